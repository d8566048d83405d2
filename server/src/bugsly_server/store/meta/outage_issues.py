"""Stores outages: issues about an app, a channel, the digest or a backup that stopped."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, select, update

from bugsly_server.clock import Micros
from bugsly_server.model.issue import IssueChange, IssueKind, IssueState
from bugsly_server.model.outage import Outage, OutageIssue
from bugsly_server.store.meta.hindrance_issues import store_change
from bugsly_server.store.meta.tables import issue

SELECT: Select[Any] = select(
    *(issue.c.id, issue.c.project_id, issue.c.fingerprint, issue.c.title, issue.c.state),
    *(issue.c.opened_at, issue.c.changed_at, issue.c.seen_at),
).where(issue.c.kind == IssueKind.OUTAGE)


def list_all(connection: Connection, project_id: int) -> list[OutageIssue]:
    """Return the outages of a project, past ones among them, oldest first."""
    query = SELECT.where(issue.c.project_id == project_id).order_by(issue.c.id)
    return [_issue_from_row(row) for row in connection.execute(query)]


def list_open(connection: Connection, project_id: int) -> list[OutageIssue]:
    """Return the outages of a project that last."""
    is_open = (issue.c.project_id == project_id) & (issue.c.state == IssueState.OPEN)
    return [_issue_from_row(row) for row in connection.execute(SELECT.where(is_open))]


def get(connection: Connection, project_id: int, issue_id: int) -> OutageIssue | None:
    """Return the outage of a project if *issue_id* is its id."""
    found = get_by_id(connection, issue_id)
    return found if found is not None and found.project_id == project_id else None


def get_by_id(connection: Connection, issue_id: int) -> OutageIssue | None:
    """Return the outage of any project, by its id."""
    row = connection.execute(SELECT.where(issue.c.id == issue_id)).one_or_none()
    return None if row is None else _issue_from_row(row)


def open_new(
    connection: Connection, project_id: int, outage: Outage, new_change: IssueChange
) -> tuple[int, int]:
    """Store *outage*, which was never seen before; return the ids of issue and change."""
    fixed = {
        "project_id": project_id,
        "kind": IssueKind.OUTAGE,
        "fingerprint": outage.fingerprint,
        "title": outage.title,
        "finding": "",
    }
    return store_change(connection, None, fixed, new_change, {})


def record_change(connection: Connection, known: OutageIssue, new_change: IssueChange) -> int:
    """Store *new_change* of *known*; return the id of the change."""
    return store_change(connection, known.id, {}, new_change, {})[1]


def update_seen_at(connection: Connection, known: OutageIssue, now: Micros) -> None:
    """Note that it lasts."""
    connection.execute(update(issue).where(issue.c.id == known.id).values(seen_at=now))


def _issue_from_row(row: Row[Any]) -> OutageIssue:
    fields = dict(row._mapping)
    return OutageIssue(**{**fields, "state": IssueState(fields["state"])})
