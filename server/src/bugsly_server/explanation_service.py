"""Explains stored errors by the rules, from an event and its context."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Connection

from bugsly_server.decode.event import decode_event
from bugsly_server.explain.errors.rule_engine import explain_error
from bugsly_server.model.error_explanation import ErrorExplanation
from bugsly_server.model.error_issue import AnyIssue, ErrorIssue
from bugsly_server.model.event import ErrorEvent
from bugsly_server.store.error_context import load_error_context
from bugsly_server.store.meta import groupings


def explain_event(
    connection: Connection, project_id: int, event: ErrorEvent
) -> ErrorExplanation | None:
    """Return the explanation of *event*; None if no rule applies."""
    return explain_error(event, load_error_context(connection, project_id, event))


def latest_event(connection: Connection, error: ErrorIssue) -> ErrorEvent | None:
    """Return the latest event of *error* that is kept permanently, None if there is none."""
    for specimen in groupings.specimens(connection, error.id)[:1]:
        return decode_event(specimen.body, specimen.at, Counter())
    return None


def explain_issue(connection: Connection, issue: AnyIssue) -> ErrorExplanation | None:
    """Return the explanation of an error's latest event; None if no rule applies, or for a leak."""
    event = latest_event(connection, issue) if isinstance(issue, ErrorIssue) else None
    return None if event is None else explain_event(connection, issue.project_id, event)
