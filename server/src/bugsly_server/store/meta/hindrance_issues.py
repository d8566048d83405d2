"""Stores the issue of a project whose workers cannot be recycled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, insert, select, update

from bugsly_server.clock import Micros
from bugsly_server.model.hindrance import HINDRANCE_TITLE, HindranceIssue
from bugsly_server.model.issue import IssueChange, IssueKind, IssueState
from bugsly_server.store.meta.leak_issues import STATE_AFTER
from bugsly_server.store.meta.tables import change, issue

FINGERPRINT = "1/net"
SELECT: Select[Any] = select(
    *(issue.c.id, issue.c.project_id, issue.c.title, issue.c.state, issue.c.environment),
    *(issue.c.opened_at, issue.c.changed_at, issue.c.seen_at),
).where(issue.c.kind == IssueKind.NET)


def get_for_project(connection: Connection, project_id: int) -> HindranceIssue | None:
    """Return the issue of a project; None where its workers could always be recycled."""
    return _find_one(connection, issue.c.project_id == project_id)


def get(connection: Connection, project_id: int, issue_id: int) -> HindranceIssue | None:
    """Return the issue of a project if *issue_id* is its id."""
    return _find_one(connection, (issue.c.project_id == project_id) & (issue.c.id == issue_id))


def get_by_id(connection: Connection, issue_id: int) -> HindranceIssue | None:
    """Return the issue of any project, by its id."""
    return _find_one(connection, issue.c.id == issue_id)


def record_change(
    connection: Connection,
    project_id: int,
    known: HindranceIssue | None,
    new_change: IssueChange,
    environment: str,
) -> int:
    """Store *new_change*, of workers in *environment*; return the id of the change."""
    fixed = {
        "project_id": project_id,
        "kind": IssueKind.NET,
        "fingerprint": FINGERPRINT,
        "title": HINDRANCE_TITLE,
        "finding": "",
    }
    issue_id = None if known is None else known.id
    return store_change(connection, issue_id, fixed, new_change, {"environment": environment})[1]


def store_change(
    connection: Connection,
    issue_id: int | None,
    fixed: Mapping[str, object],
    new_change: IssueChange,
    facts: Mapping[str, object],
) -> tuple[int, int]:
    """Store *new_change* and *facts* of an issue that rests on no finding; return both ids.

    Where *issue_id* is None it opens one, with its *fixed* columns.
    """
    state = STATE_AFTER[new_change.kind]
    changed = {
        **facts,
        "state": state,
        "changed_at": new_change.at,
        "seen_at": new_change.at,
    }
    if state is IssueState.OPEN:
        changed["opened_at"] = new_change.at
    if issue_id is None:
        made = insert(issue).values(**fixed, **changed)
        issue_id = int(connection.execute(made.returning(issue.c.id)).scalar_one())
    else:
        connection.execute(update(issue).where(issue.c.id == issue_id).values(changed))
    values = {
        "issue_id": issue_id,
        "kind": new_change.kind,
        "at": new_change.at,
        "because": new_change.because,
    }
    added = insert(change).values(values).returning(change.c.id)
    return issue_id, int(connection.execute(added).scalar_one())


def update_seen_at(connection: Connection, known: HindranceIssue, now: Micros) -> None:
    """Note that workers still cannot be recycled."""
    connection.execute(update(issue).where(issue.c.id == known.id).values(seen_at=now))


def _find_one(connection: Connection, condition: ColumnElement[bool]) -> HindranceIssue | None:
    row = connection.execute(SELECT.where(condition)).one_or_none()
    return None if row is None else _issue_from_row(row)


def _issue_from_row(row: Row[Any]) -> HindranceIssue:
    fields = dict(row._mapping)
    return HindranceIssue(**{**fields, "state": IssueState(fields["state"])})
