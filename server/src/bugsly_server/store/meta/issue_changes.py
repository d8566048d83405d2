"""Reads changes of issues of any kind, as alerts need them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from bugsly_server.model.error_issue import AnyIssue
from bugsly_server.model.issue import IssueChange
from bugsly_server.store.meta import error_issues, hindrance_issues, leak_issues, outage_issues
from bugsly_server.store.meta.tables import change, issue


def get_with_issue(connection: Connection, change_id: int) -> tuple[AnyIssue, IssueChange]:
    """Return the issue that a change belongs to, and the change."""
    row = connection.execute(select(change).where(change.c.id == change_id)).one()
    issue_change = leak_issues.change_from_row(row)
    leak = connection.execute(leak_issues.LEAKS.where(issue.c.id == row.issue_id)).one_or_none()
    if leak is not None:
        return leak_issues.leak_from_row(leak), issue_change
    plain = hindrance_issues.get_by_id(connection, row.issue_id) or outage_issues.get_by_id(
        connection, row.issue_id
    )
    return plain or error_issues.find(connection, [row.issue_id])[row.issue_id], issue_change
