"""Collects the last minutes of workers that were killed, from meta and telemetry."""

from __future__ import annotations

from sqlalchemy import Connection

from bugsly_server.clock import SECOND, Micros
from bugsly_server.model.issue import Issue, IssueState
from bugsly_server.model.post_mortem import (
    FATAL_EXIT_REASONS,
    POST_MORTEM_SPAN,
    PostMortem,
    post_mortem,
)
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import leak_issues, workers
from bugsly_server.store.ports import Telemetry

MAX_POINTS = 100
MAX_POST_MORTEMS = 20


def of_worker(connection: Connection, telemetry: Telemetry, worker: Worker) -> PostMortem | None:
    """Return the last minutes of *worker*; None where it was not killed."""
    if worker.exit_reason not in FATAL_EXIT_REASONS:
        return None
    leaks = leak_issues.list_all(connection, worker.project_id)
    names = workers.endpoint_names(connection, worker.project_id)
    return _load(telemetry, worker, names, leaks)


def of_issue(
    connection: Connection, telemetry: Telemetry, issue: Issue, now: Micros
) -> list[PostMortem]:
    """Return the workers killed while *issue* was open, in its environment, latest first.

    Only the latest are read.
    """
    until = issue.changed_at if issue.state is IssueState.RESOLVED else now
    span = (issue.opened_at, until)
    environment = issue.finding.environment
    killed = workers.list_killed(
        connection, issue.project_id, environment, FATAL_EXIT_REASONS, span, MAX_POST_MORTEMS
    )
    names = workers.endpoint_names(connection, issue.project_id) if killed else {}
    return [_load(telemetry, one, names, [issue]) for one in killed]


def _load(
    telemetry: Telemetry, worker: Worker, names: dict[int, str], leaks: list[Issue]
) -> PostMortem:
    until = (worker.ended_at or worker.seen_at) + SECOND
    since = max(worker.started_at, until - POST_MORTEM_SPAN)
    points = telemetry.points([worker.id], since, until, MAX_POINTS)[worker.id]
    traffic = telemetry.traffic([worker.id], since, until)
    served = [one._replace(endpoint=names[key]) for key, one in traffic.items() if key in names]
    return post_mortem(worker, points, served, leaks)
