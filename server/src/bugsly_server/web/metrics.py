"""`/metrics`: what a monitoring system wants to keep of the workers, as Prometheus reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bugsly_server.clock import DAY, Micros
from bugsly_server.detect.recycling import summarise_recycling
from bugsly_server.model.issue import Issue, IssueState
from bugsly_server.model.recycling import lasting_hindrances
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import leak_issues, projects, workers
from bugsly_server.web.api import UNKNOWN_TOKEN_BODY, token_owner
from bugsly_server.web.page_context import server_of

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MAX_ENDED_WORKERS = 5_000
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

MetricSample = tuple[str, dict[str, str], float]


def show(request: Request) -> Response:
    """Answer with the figures of every project; an API token opens it."""
    server = server_of(request)
    now = server.clock()
    with server.database.writing() as connection:
        if token_owner(request, connection, now) is None:
            return PlainTextResponse(f"{UNKNOWN_TOKEN_BODY['detail']}\n", 401)
    with server.database.reading() as connection:
        samples = [
            one
            for project in projects.list_all(connection)
            for one in _project_samples(connection, project.id, project.slug, now)
        ]
    return Response(exposition_text(samples), media_type=MEDIA_TYPE)


def exposition_text(samples: Sequence[MetricSample]) -> str:
    """Return *samples* in Prometheus' text format, version 0.0.4."""
    lines = []
    for name, help_text in METRICS.items():
        lines += [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"]
        own_samples = [(labels, value) for told, labels, value in samples if told == name]
        lines += [f"{name}{{{_labels(labels)}}} {value:.0f}" for labels, value in own_samples]
    return "\n".join(lines) + "\n"


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _project_samples(
    connection: Connection, project_id: int, slug: str, now: Micros
) -> Iterator[MetricSample]:
    living = [one for one in workers.list_living(connection, project_id) if one.is_alive(now)]
    ended = workers.list_ended(connection, project_id, now - DAY, MAX_ENDED_WORKERS)
    leaks = [
        one for one in leak_issues.list_all(connection, project_id) if one.state is IssueState.OPEN
    ]
    for environment in sorted({one.environment for one in (*living, *ended)}):
        labels = {"project": slug, "environment": environment}
        live_here = [one for one in living if one.environment == environment]
        yield from _live_worker_samples(live_here, labels)
        ended_here = [one for one in ended if one.environment == environment]
        yield from _ended_worker_samples(ended_here, labels)
        recycled = summarise_recycling((*live_here, *ended_here), now)
        yield "bugsly_workers_recycled_24h", labels, 0 if recycled is None else recycled.times
    yield "bugsly_leaks_open", {"project": slug}, len(leaks)
    yield from _leak_samples(leaks, slug)


def _live_worker_samples(
    living: Sequence[Worker], labels: dict[str, str]
) -> Iterator[MetricSample]:
    yield "bugsly_workers", labels, len(living)
    yield "bugsly_worker_memory_bytes", labels, sum(one.anonymous for one in living)
    yield "bugsly_workers_held_back", labels, len(lasting_hindrances(living))


def _ended_worker_samples(
    ended: Sequence[Worker], labels: dict[str, str]
) -> Iterator[MetricSample]:
    reasons = Counter(one.exit_reason for one in ended if one.exit_reason is not None)
    for reason, number in sorted(reasons.items()):
        yield "bugsly_workers_ended_24h", {**labels, "reason": reason.value}, number


def _leak_samples(leaks: Sequence[Issue], slug: str) -> Iterator[MetricSample]:
    for leak in leaks:
        if leak.finding.forecast is not None:
            labels = {"project": slug, "issue": str(leak.id)}
            yield "bugsly_leak_full_seconds", labels, leak.finding.forecast.expected
