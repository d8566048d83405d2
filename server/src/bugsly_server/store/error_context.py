"""Collects the context of an event: open leaks, memory, and recent ends of workers."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection

from bugsly.protocol.memory import ExitReason
from bugsly_server.clock import HOUR, MINUTE, Micros
from bugsly_server.model.error_explanation import ErrorContext, OpenLeak
from bugsly_server.model.event import ErrorEvent
from bugsly_server.model.issue import Issue, IssueState
from bugsly_server.store.meta import leak_issues, releases, workers

LOOKBACK: Micros = HOUR
LOOKAHEAD: Micros = MINUTE
"""A worker's end is reported a little later than the errors before it."""
MAX_ENDED = 200


def load_error_context(connection: Connection, project_id: int, event: ErrorEvent) -> ErrorContext:
    """Return the context of *event*."""
    worker = workers.find_by_tokens(connection, project_id, [event.worker]).get(event.worker)
    ended = workers.list_ended(connection, project_id, event.at - LOOKBACK, MAX_ENDED)
    reasons = Counter(
        one.exit_reason for one in ended if (one.ended_at or 0) <= event.at + LOOKAHEAD
    )
    first_seen = releases.first_seen(connection, project_id, [event.release])
    leaks = leak_issues.list_all(connection, project_id)
    return ErrorContext(
        leaks=tuple(leak for one in leaks if (leak := _open_leak(one)) is not None),
        memory=event.memory or (worker.anonymous if worker is not None else 0),
        limit=worker.limit if worker is not None else 0,
        timeouts=reasons[ExitReason.TIMEOUT],
        kills=reasons[ExitReason.OUT_OF_MEMORY],
        new_release=first_seen.get(event.release, 0) >= event.at - LOOKBACK,
    )


def _open_leak(issue: Issue) -> OpenLeak | None:
    diagnosis = issue.finding.diagnosis
    if issue.state is not IssueState.OPEN or diagnosis is None or not diagnosis.is_leak:
        return None
    return OpenLeak(
        issue=issue.id,
        cause=diagnosis.cause,
        holder=diagnosis.holder_name or "",
        site=diagnosis.location.site or "",
        endpoint=diagnosis.attribution.endpoint or "",
    )
