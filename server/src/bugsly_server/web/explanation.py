"""Where pages get the explanation of an error from."""

from __future__ import annotations

from sqlalchemy import Connection

from bugsly_server.explain.errors.explain import explain_error
from bugsly_server.model.error_explanation import ErrorExplanation
from bugsly_server.model.event import Event
from bugsly_server.store.surroundings import around


def explained(connection: Connection, project_id: int, event: Event) -> ErrorExplanation | None:
    """Return what the rules say of *event*; None where no rule knows it."""
    return explain_error(event, around(connection, project_id, event))
