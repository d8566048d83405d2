"""Serves the data of the charts as JSON: lines on a common time grid, and marks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.diagnose.growth.process_gauges import add_process_gauges
from bugsly_server.model.post_mortem import POST_MORTEM_SPAN
from bugsly_server.model.time_series import MemoryPoint
from bugsly_server.model.worker import Worker
from bugsly_server.store import leak_evidence as evidence_store
from bugsly_server.store.meta import leak_issues, workers
from bugsly_server.web.page_context import View, page
from bugsly_server.web.template_filters import EXIT_TEXTS

SLOTS = 480
MAX_LINES = 30
MAX_MARKS = 200
MAX_SPAN: Micros = 400 * DAY
MIN_SPAN: Micros = MINUTE // 2
DEFAULT_SPAN: Micros = HOUR


@page
def project_chart(view: View) -> Response:
    """Return the memory of a project's workers over time, with marks."""
    since, until = requested_span(view.request, view.now)
    with view.server.database.reading() as connection:
        present = workers.list_alive_between(
            connection, view.current_project.id, since, until, MAX_MARKS
        )
        event_marks = list_marks(connection, view.current_project.id, present, since, until)
    since = chart_start(since, until, present)
    charted = present[:MAX_LINES]
    series = view.server.telemetry.points([one.id for one in charted], since, until, SLOTS)
    charted = [one for one in charted if series[one.id]]
    return json_response(
        {
            "since": since / SECOND,
            "until": until / SECOND,
            "x": slot_times(since, until),
            "lines": [chart_line(one, series[one.id], since, until) for one in charted],
            "left_out": max(0, len(present) - MAX_LINES),
            "marks": event_marks,
        }
    )


@page
def worker_chart(view: View) -> Response:
    """Return a worker's memory over time and requests; `?part=last` selects its last minutes."""
    with view.server.database.reading() as connection:
        worker = workers.get(connection, view.current_project.id, view.path_number("worker_id"))
    if worker is None:
        return Response(status_code=404)
    until = (worker.ended_at or view.now) + SECOND
    since = (
        max(worker.started_at, until - POST_MORTEM_SPAN)
        if view.is_part_requested("last")
        else worker.started_at
    )
    readings = view.server.telemetry.gauge_points(worker.id, since, until, SLOTS)
    return json_response(
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
def holder_chart(view: View) -> Response:
    """Return the entries of a leak's holder over requests, in the worker with the most."""
    with view.server.database.reading() as connection:
        issue = leak_issues.get(connection, view.current_project.id, view.path_number("issue_id"))
        suspects = () if issue is None else issue.finding.suspects
        suspected_workers = [
            workers.get(connection, view.current_project.id, one.worker_id) for one in suspects
        ]
        known_workers = [one for one in suspected_workers if one is not None]
        evidence = add_process_gauges(
            evidence_store.load(connection, view.server.telemetry, known_workers, view.now)
        )
    if issue is None or issue.finding.diagnosis is None:
        return Response(status_code=404)
    diagnosis = issue.finding.diagnosis
    name, heap_path = diagnosis.holder_name or "", diagnosis.evidence.heap_path
    counted_buckets = [
        [bucket for bucket in history.buckets if name in bucket.holder_counts]
        for history in evidence.histories
    ]
    longest = max(
        counted_buckets,
        key=lambda buckets: buckets[-1].holder_counts[name] if buckets else 0,
        default=[],
    )
    counts = [bucket.holder_counts[name] for bucket in longest]
    if heap_path is not None and not counts:
        requests, counts = list(heap_path.requests), list(heap_path.counts)
        return json_response(
            {"x": requests, "requests": requests, "memory": counts, "high": counts}
        )
    return json_response(
        {
            "x": [bucket.at / SECOND for bucket in longest],
            "requests": [bucket.requests for bucket in longest],
            "memory": counts,
            "high": counts,
        }
    )


def requested_span(request: Request, now: Micros) -> tuple[Micros, Micros]:
    """Return the requested time span, within bounds; the last hour by default."""
    query = request.query_params
    length = _seconds(query.get("span"), DEFAULT_SPAN)
    until = _seconds(query.get("until"), now)
    since = _seconds(query.get("since"), until - length)
    until = max(MIN_SPAN, min(until, now + SECOND))
    return max(0, min(max(since, until - MAX_SPAN), until - MIN_SPAN)), until


def chart_start(since: Micros, until: Micros, present: Sequence[Worker]) -> Micros:
    """Return where a chart begins: at *since*, or just before its first worker started."""
    first = min((one.started_at for one in present), default=since)
    return max(since, first - (until - first) // 20)


def slot_times(since: Micros, until: Micros) -> list[float]:
    """Return the right edges of the slots, in seconds since 1970."""
    step = (until - since) / SLOTS
    return [round((since + (index + 1) * step) / SECOND, 3) for index in range(SLOTS)]


def chart_line(
    worker: Worker, points: Iterable[MemoryPoint], since: Micros, until: Micros
) -> dict[str, Any]:
    """Return one line: bytes by slot, null where the worker did not report."""
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


def list_marks(
    connection: Connection, project_id: int, present: Sequence[Worker], since: Micros, until: Micros
) -> list[dict[str, Any]]:
    """Return the starts, exits, deploys and issue changes from *since* to *until*."""
    all_marks = []
    for worker in present:
        all_marks.append(_mark("boot", worker.started_at, f"{worker.name} started"))
        if worker.ended_at is not None:
            reason = EXIT_TEXTS[worker.exit_reason] if worker.exit_reason else "ended"
            all_marks.append(_mark("exit", worker.ended_at, f"{worker.name} {reason}"))
    for version, at in workers.list_releases(connection, project_id, since):
        all_marks.append(_mark("deploy", at, f"release {version}"))
    for issue, change in leak_issues.changes_between(connection, project_id, since, until):
        all_marks.append(_mark("alert", change.at, f"{change.kind}: {issue.title}"))
    marks_in_span = [mark for mark in all_marks if since / SECOND <= mark["at"] <= until / SECOND]
    return sorted(marks_in_span, key=lambda mark: mark["at"])[-MAX_MARKS:]


def json_response(content: Mapping[str, Any]) -> Response:
    """Return *content* as JSON."""
    return Response(msgspec.json.encode(content), media_type="application/json")


def _mark(kind: str, at: Micros, text: str) -> dict[str, Any]:
    return {"kind": kind, "at": at / SECOND, "text": text}


def _seconds(text: str | None, default: Micros) -> Micros:
    try:
        return int(float(text) * SECOND) if text else default
    except (ValueError, OverflowError):
        return default
