"""Answers `/metrics`: figures of workers and leaks for a Prometheus server to scrape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bugsly_server.clock import DAY, SECOND, Micros
from bugsly_server.detect.recycling import summarise_recycling
from bugsly_server.model.issue import Issue, IssueState
from bugsly_server.model.recycling import lasting_hindrances
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import leak_issues, projects, workers
from bugsly_server.web.api import UNKNOWN_TOKEN_BODY, token_owner
from bugsly_server.web.page_context import ServerContext, server_of

MAX_ENDED_WORKERS = 5_000
METRICS = {
    "bugsly_workers": "Workers that are alive.",
    "bugsly_worker_memory_bytes": "Private memory of all live workers together.",
    "bugsly_workers_held_back": "Hindrances that stop recycling until somebody acts.",
    "bugsly_workers_ended_24h": "Workers that ended in the last 24 hours, by reason.",
    "bugsly_workers_recycled_24h": "Workers that Bugsly recycled in the last 24 hours.",
    "bugsly_leaks_open": "Open leak issues.",
    "bugsly_leak_full_seconds": "Expected time until a leak fills memory, where it is known.",
    "bugsly_ready": "Whether a part of this server works, by check: 1 or 0.",
    "bugsly_disk_free_bytes": "Room on the disk of this server.",
    "bugsly_spool_entries": "Reports that were acknowledged and not yet digested.",
    "bugsly_spool_age_seconds": "How long the oldest of them has waited.",
    "bugsly_files_set_aside": "Damaged files of this server that were set aside.",
}
"""Help by name. All are gauges: a count over 24 hours also falls."""

MetricSample = tuple[str, dict[str, str], float]
"""Name, labels and value."""


def show(request: Request) -> Response:
    """Answer a request that has an API token with the metrics of every project."""
    from bugsly_server.web.prometheus_text import CONTENT_TYPE, exposition_text

    server = server_of(request)
    now = server.clock()
    if token_owner(request) is None:
        return PlainTextResponse(f"{UNKNOWN_TOKEN_BODY['detail']}\n", 401)
    with server.database.reading() as connection:
        samples = [*_server_samples(server)]
        samples += [
            sample
            for project in projects.list_all(connection)
            for sample in _project_samples(connection, project.id, project.slug, now)
        ]
    return Response(exposition_text(METRICS, samples), media_type=CONTENT_TYPE)


def _server_samples(server: ServerContext) -> Iterator[MetricSample]:
    for check in server.health.checks():
        yield "bugsly_ready", {"check": check.name}, check.problem is None
    vitals = server.health.vitals()
    yield "bugsly_disk_free_bytes", {}, vitals.free_bytes
    yield "bugsly_spool_entries", {}, vitals.spooled
    yield "bugsly_spool_age_seconds", {}, vitals.spool_age / SECOND
    yield "bugsly_files_set_aside", {}, len(vitals.set_aside)


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
