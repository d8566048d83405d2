"""The numbers behind the charts, as JSON: lines on a common grid of time, and marks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.diagnose.gauges import with_gauges
from bugsly_server.model.post_mortem import LAST
from bugsly_server.model.series import Point
from bugsly_server.model.worker import Worker
from bugsly_server.store import dossier as dossiers
from bugsly_server.store.meta import issues, workers
from bugsly_server.web.site import View, page
from bugsly_server.web.words import EXITS

SLOTS = 480
MOST_LINES = 30
MOST_MARKS = 200
LONGEST: Micros = 400 * DAY
SHORTEST: Micros = MINUTE // 2
DEFAULT: Micros = HOUR


@page
def fleet(view: View) -> Response:
    """Return the memory of a project's biggest workers over time, with marks."""
    since, until = span(view.request, view.now)
    with view.site.database.reading() as connection:
        present = workers.present(connection, view.shown.id, since, until, MOST_MARKS)
        happened = marks(connection, view.shown.id, present, since, until)
    since = begin(since, until, present)
    shown = present[:MOST_LINES]
    series = view.site.telemetry.points([one.id for one in shown], since, until, SLOTS)
    shown = [one for one in shown if series[one.id]]
    return answer(
        {
            "since": since / SECOND,
            "until": until / SECOND,
            "x": grid(since, until),
            "lines": [line(one, series[one.id], since, until) for one in shown],
            "left_out": max(0, len(present) - MOST_LINES),
            "marks": happened,
        }
    )


@page
def worker(view: View) -> Response:
    """Return the memory of one worker, along time and along its requests; of its end, if asked."""
    with view.site.database.reading() as connection:
        found = workers.get(connection, view.shown.id, view.number("worker_id"))
    if found is None:
        return Response(status_code=404)
    until = (found.ended_at or view.now) + SECOND
    since = max(found.started_at, until - LAST) if view.wants("last") else found.started_at
    readings = view.site.telemetry.readings(found.id, since, until, SLOTS)
    return answer(
        {
            "x": [one.point.at / SECOND for one in readings],
            "requests": [one.point.requests for one in readings],
            "memory": [one.point.last for one in readings],
            "high": [one.point.high for one in readings],
            "descriptors": [one.descriptors for one in readings],
            "threads": [one.threads for one in readings],
        }
    )


@page
def holder(view: View) -> Response:
    """Return what the holder of an issue held, along requests, in the worker with the most."""
    with view.site.database.reading() as connection:
        found = issues.get(connection, view.shown.id, view.number("issue_id"))
        concerned = () if found is None else found.finding.suspects
        lives = [workers.get(connection, view.shown.id, one.worker_id) for one in concerned]
        shown = [one for one in lives if one is not None]
        dossier = with_gauges(dossiers.load(connection, view.site.telemetry, shown, view.now))
    if found is None or found.finding.diagnosis is None:
        return Response(status_code=404)
    name, trace = found.finding.diagnosis.holder, found.finding.diagnosis.trace
    held = [[step for step in life.steps if name in step.levels] for life in dossier.lives]
    most = max(held, key=lambda steps: steps[-1].levels[name] if steps else 0, default=[])
    counts = [step.levels[name] for step in most]
    if trace is not None and not counts:
        walked, counts = list(trace.requests), list(trace.counts)
        return answer({"x": walked, "requests": walked, "memory": counts, "high": counts})
    return answer(
        {
            "x": [step.at / SECOND for step in most],
            "requests": [step.requests for step in most],
            "memory": counts,
            "high": counts,
        }
    )


def span(request: Request, now: Micros) -> tuple[Micros, Micros]:
    """Return the span of time a request asks for, in bounds; the last hour if it asks for none."""
    query = request.query_params
    length = _seconds(query.get("span"), DEFAULT)
    until = _seconds(query.get("until"), now)
    since = _seconds(query.get("since"), until - length)
    until = min(until, now + SECOND)
    return max(0, min(max(since, until - LONGEST), until - SHORTEST)), until


def begin(since: Micros, until: Micros, present: Sequence[Worker]) -> Micros:
    """Return where a chart begins: no earlier than a little before the first of its workers."""
    first = min((one.started_at for one in present), default=since)
    return max(since, first - (until - first) // 20)


def grid(since: Micros, until: Micros) -> list[float]:
    """Return the right edges of the slots, in seconds since 1970."""
    step = (until - since) / SLOTS
    return [round((since + (index + 1) * step) / SECOND, 3) for index in range(SLOTS)]


def line(worker: Worker, points: Iterable[Point], since: Micros, until: Micros) -> dict[str, Any]:
    """Return one line: bytes by slot, null where the worker said nothing."""
    step = (until - since) / SLOTS
    values: list[int | None] = [None] * SLOTS
    for point in points:
        values[min(SLOTS - 1, max(0, int((point.at - since) / step)))] = point.last
    return {
        "id": worker.id,
        "name": worker.name,
        "verdict": worker.judgement.verdict,
        "ended": worker.ended_at is not None,
        "y": values,
    }


def marks(
    connection: Connection, project_id: int, present: Sequence[Worker], since: Micros, until: Micros
) -> list[dict[str, Any]]:
    """Return what happened from *since* to *until*: boots, exits, deploys, changes of issues."""
    found = []
    for one in present:
        found.append(_mark("boot", one.started_at, f"{one.name} started"))
        if one.ended_at is not None:
            reason = EXITS[one.exit_reason] if one.exit_reason else "ended"
            found.append(_mark("exit", one.ended_at, f"{one.name} {reason}"))
    for version, at in workers.releases(connection, project_id, since):
        found.append(_mark("deploy", at, f"release {version}"))
    for issue, change in issues.changes_between(connection, project_id, since, until):
        found.append(_mark("alert", change.at, f"{change.kind}: {issue.title}"))
    inside = [mark for mark in found if since / SECOND <= mark["at"] <= until / SECOND]
    return sorted(inside, key=lambda mark: mark["at"])[-MOST_MARKS:]


def answer(content: Mapping[str, Any]) -> Response:
    """Return *content* as JSON."""
    return Response(msgspec.json.encode(content), media_type="application/json")


def _mark(kind: str, at: Micros, text: str) -> dict[str, Any]:
    return {"kind": kind, "at": at / SECOND, "text": text}


def _seconds(text: str | None, default: Micros) -> Micros:
    try:
        return int(float(text) * SECOND) if text else default
    except (ValueError, OverflowError):
        return default
