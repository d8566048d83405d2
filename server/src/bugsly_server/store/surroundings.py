"""Puts together what is known around an event: open leaks, memory, how workers ended lately."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection

from bugsly.protocol.memory import ExitReason
from bugsly_server.clock import HOUR, MINUTE, Micros
from bugsly_server.model.error_explanation import OpenLeak, Surroundings
from bugsly_server.model.event import Event
from bugsly_server.model.issue import Issue, State
from bugsly_server.store.meta import issues, workers

BEFORE: Micros = HOUR
AFTER: Micros = MINUTE
"""A worker's end is told a little later than the errors that went before it."""
MOST_ENDED = 200


def around(connection: Connection, project_id: int, event: Event) -> Surroundings:
    """Return what is known around *event*."""
    worker = workers.find(connection, project_id, [event.worker]).get(event.worker)
    ended = workers.ended(connection, project_id, event.at - BEFORE, MOST_ENDED)
    reasons = Counter(one.exit_reason for one in ended if (one.ended_at or 0) <= event.at + AFTER)
    first_seen = dict(workers.releases(connection, project_id, event.at - BEFORE))
    every = issues.every(connection, project_id)
    return Surroundings(
        leaks=tuple(leak for one in every if (leak := _leak(one)) is not None),
        memory=event.memory or (worker.anonymous if worker is not None else 0),
        limit=worker.limit if worker is not None else 0,
        timeouts=reasons[ExitReason.TIMEOUT],
        kills=reasons[ExitReason.OUT_OF_MEMORY],
        new_release=event.release in first_seen,
    )


def _leak(issue: Issue) -> OpenLeak | None:
    diagnosis = issue.finding.diagnosis
    if issue.state is not State.OPEN or diagnosis is None or not diagnosis.is_leak:
        return None
    return OpenLeak(
        issue=issue.id,
        cause=diagnosis.cause,
        holder=diagnosis.holder,
        site=diagnosis.site,
        endpoint=diagnosis.endpoint,
    )
