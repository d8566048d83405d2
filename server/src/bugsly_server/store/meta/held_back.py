"""The issue of a project that says its safety net is held back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, insert, select, update

from bugsly_server.clock import Micros
from bugsly_server.model.held_back import TITLE, HeldBack
from bugsly_server.model.issue import Change, Kind, State
from bugsly_server.store.meta.issues import STATE_AFTER
from bugsly_server.store.meta.tables import change, issue

FINGERPRINT = "1/net"
SELECT: Select[Any] = select(
    *(issue.c.id, issue.c.project_id, issue.c.title, issue.c.state, issue.c.environment),
    *(issue.c.opened_at, issue.c.changed_at, issue.c.seen_at),
).where(issue.c.kind == Kind.NET)


def of_project(connection: Connection, project_id: int) -> HeldBack | None:
    """Return that of a project; None where its net was never held back for long."""
    return _one(connection, issue.c.project_id == project_id)


def get(connection: Connection, project_id: int, issue_id: int) -> HeldBack | None:
    """Return it where *issue_id* is its id."""
    return _one(connection, (issue.c.project_id == project_id) & (issue.c.id == issue_id))


def find(connection: Connection, issue_id: int) -> HeldBack | None:
    """Return that of any project, by its id."""
    return _one(connection, issue.c.id == issue_id)


def record(
    connection: Connection, project_id: int, known: HeldBack | None, step: Change, where: str
) -> int:
    """Store *step*, of workers in the environment *where*; return the id of the change."""
    state = STATE_AFTER[step.kind]
    facts = {"state": state, "changed_at": step.at, "seen_at": step.at, "environment": where}
    if state is State.OPEN:
        facts["opened_at"] = step.at
    if known is None:
        fixed = {"kind": Kind.NET, "fingerprint": FINGERPRINT, "title": TITLE, "finding": ""}
        made = insert(issue).values(project_id=project_id, **fixed, **facts)
        issue_id = connection.execute(made.returning(issue.c.id)).scalar_one()
    else:
        issue_id = known.id
        connection.execute(update(issue).where(issue.c.id == issue_id).values(facts))
    told = {"issue_id": issue_id, "kind": step.kind, "at": step.at, "because": step.because}
    return int(connection.execute(insert(change).values(told).returning(change.c.id)).scalar_one())


def see(connection: Connection, known: HeldBack, now: Micros) -> None:
    """Note that workers are held back still."""
    connection.execute(update(issue).where(issue.c.id == known.id).values(seen_at=now))


def _one(connection: Connection, condition: ColumnElement[bool]) -> HeldBack | None:
    row = connection.execute(SELECT.where(condition)).one_or_none()
    return None if row is None else _of_row(row)


def _of_row(row: Row[Any]) -> HeldBack:
    fields = dict(row._mapping)
    return HeldBack(**{**fields, "state": State(fields["state"])})
