"""What the rules say of an error, by one of its events and what is known around it."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection

from bugsly_server.digest.event import decode_event
from bugsly_server.explain.errors.explain import explain_error
from bugsly_server.model.error import AnyIssue, ErrorIssue
from bugsly_server.model.error_explanation import ErrorExplanation
from bugsly_server.model.event import Event
from bugsly_server.store.meta import groupings
from bugsly_server.store.surroundings import around


def explained(connection: Connection, project_id: int, event: Event) -> ErrorExplanation | None:
    """Return what the rules say of *event*; None where no rule knows it."""
    return explain_error(event, around(connection, project_id, event))


def latest_event(connection: Connection, error: ErrorIssue) -> Event | None:
    """Return the latest of the events of *error* that are kept for good."""
    for kept in groupings.specimens(connection, error.id)[:1]:
        return decode_event(kept.body, kept.at, Counter())
    return None


def explanation_of(connection: Connection, issue: AnyIssue) -> ErrorExplanation | None:
    """Return what the rules say of the latest event of an error; None for a leak."""
    event = latest_event(connection, issue) if isinstance(issue, ErrorIssue) else None
    return None if event is None else explained(connection, issue.project_id, event)
