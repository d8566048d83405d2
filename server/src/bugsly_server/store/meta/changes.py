"""Changes of issues of any kind, as alerts tell them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from bugsly_server.model.error import AnyIssue
from bugsly_server.model.issue import Change
from bugsly_server.store.meta import errors, held_back, issues
from bugsly_server.store.meta.tables import change, issue


def of(connection: Connection, change_id: int) -> tuple[AnyIssue, Change]:
    """Return the issue that a change belongs to, and the change."""
    row = connection.execute(select(change).where(change.c.id == change_id)).one()
    step = issues.change_of_row(row)
    leak = connection.execute(issues.LEAKS.where(issue.c.id == row.issue_id)).one_or_none()
    if leak is not None:
        return issues.of_row(leak), step
    net = held_back.find(connection, row.issue_id)
    return net or errors.find(connection, [row.issue_id])[row.issue_id], step
