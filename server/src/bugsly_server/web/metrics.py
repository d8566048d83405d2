"""`/metrics`: what a monitoring system wants to keep of the workers, as Prometheus reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bugsly_server.clock import DAY, Micros
from bugsly_server.detect.recycled import count_recycled
from bugsly_server.model.issue import Issue, State
from bugsly_server.model.recycled import hindered
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import issues, projects, workers
from bugsly_server.web.api import UNKNOWN_TOKEN, token_owner
from bugsly_server.web.site import site_of

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_ENDED = 5_000
METRICS = {
    "bugsly_workers": "Workers that are alive.",
    "bugsly_worker_memory_bytes": "Private memory of all of them together.",
    "bugsly_workers_held_back": "What keeps the safety net from recycling until somebody acts.",
    "bugsly_workers_ended_24h": "Workers that ended in the last 24 hours, by how they did.",
    "bugsly_workers_recycled_24h": "Workers that the safety net recycled in the last 24 hours.",
    "bugsly_leaks_open": "Leaks that are open.",
    "bugsly_leak_full_seconds": "Time until memory is full, as far as it is known of a leak.",
}
"""All are gauges: what is counted over 24 hours falls, too."""

Sample = tuple[str, dict[str, str], float]


def show(request: Request) -> Response:
    """Answer with the figures of every project; an API token opens it."""
    site = site_of(request)
    now = site.clock()
    with site.database.writing() as connection:
        if token_owner(request, connection, now) is None:
            return PlainTextResponse(f"{UNKNOWN_TOKEN['detail']}\n", 401)
    with site.database.reading() as connection:
        samples = [
            one
            for project in projects.every(connection)
            for one in _of_project(connection, project.id, project.slug, now)
        ]
    return Response(exposition(samples), media_type=MEDIA_TYPE)


def exposition(samples: Sequence[Sample]) -> str:
    """Return *samples* in Prometheus' text format, version 0.0.4."""
    lines = []
    for name, what in METRICS.items():
        lines += [f"# HELP {name} {what}", f"# TYPE {name} gauge"]
        mine = [(labels, value) for told, labels, value in samples if told == name]
        lines += [f"{name}{{{_labels(labels)}}} {value:.0f}" for labels, value in mine]
    return "\n".join(lines) + "\n"


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_quoted(value)}"' for name, value in labels.items())


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _of_project(
    connection: Connection, project_id: int, slug: str, now: Micros
) -> Iterator[Sample]:
    living = [one for one in workers.living(connection, project_id) if one.is_alive(now)]
    ended = workers.ended(connection, project_id, now - DAY, MOST_ENDED)
    leaks = [one for one in issues.every(connection, project_id) if one.state is State.OPEN]
    for environment in sorted({one.environment for one in (*living, *ended)}):
        labels = {"project": slug, "environment": environment}
        mine = [one for one in living if one.environment == environment]
        yield from _of_living(mine, labels)
        over = [one for one in ended if one.environment == environment]
        yield from _of_ended(over, labels)
        recycled = count_recycled((*mine, *over), now)
        yield "bugsly_workers_recycled_24h", labels, 0 if recycled is None else recycled.times
    yield "bugsly_leaks_open", {"project": slug}, len(leaks)
    yield from _of_leaks(leaks, slug)


def _of_living(living: Sequence[Worker], labels: dict[str, str]) -> Iterator[Sample]:
    yield "bugsly_workers", labels, len(living)
    yield "bugsly_worker_memory_bytes", labels, sum(one.anonymous for one in living)
    yield "bugsly_workers_held_back", labels, len(hindered(living))


def _of_ended(ended: Sequence[Worker], labels: dict[str, str]) -> Iterator[Sample]:
    reasons = Counter(one.exit_reason for one in ended if one.exit_reason is not None)
    for reason, number in sorted(reasons.items()):
        yield "bugsly_workers_ended_24h", {**labels, "reason": reason.value}, number


def _of_leaks(leaks: Sequence[Issue], slug: str) -> Iterator[Sample]:
    for one in leaks:
        if one.finding.forecast is not None:
            labels = {"project": slug, "issue": str(one.id)}
            yield "bugsly_leak_full_seconds", labels, one.finding.forecast.expected
