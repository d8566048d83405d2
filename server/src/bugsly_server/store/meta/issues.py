"""Leaks, the issues of detection, and the changes that make up the story of any issue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, insert, select, update

from bugsly_server.clock import Micros
from bugsly_server.model.issue import Change, ChangeKind, Finding, Issue, Kind, State
from bugsly_server.model.proof import Proof
from bugsly_server.store.meta.tables import account, change, issue

STATE_AFTER = {
    ChangeKind.OPENED: State.OPEN,
    ChangeKind.WORSENED: State.OPEN,
    ChangeKind.CAME_BACK: State.OPEN,
    ChangeKind.NAMED: State.OPEN,
    ChangeKind.QUIETED: State.QUIET,
    ChangeKind.ESCALATED: State.OPEN,
    ChangeKind.IGNORED: State.IGNORED,
    ChangeKind.FIXED: State.RESOLVED,
    ChangeKind.RESOLVED: State.RESOLVED,
    ChangeKind.MERGED: State.RESOLVED,
    ChangeKind.SPLIT: State.OPEN,
}

COLUMNS = (
    *(issue.c.id, issue.c.project_id, issue.c.fingerprint, issue.c.title, issue.c.state),
    *(issue.c.opened_at, issue.c.changed_at, issue.c.seen_at, issue.c.resolved_at),
    *(issue.c.snoozed_until, issue.c.finding, issue.c.told, issue.c.proof),
)
LEAKS: Select[Any] = select(*COLUMNS).where(issue.c.kind == Kind.LEAK)


@dataclass(frozen=True, slots=True)
class Told:
    """A stored change, and the account that caused it, if a person did."""

    id: int
    change: Change
    by: str


def every(connection: Connection, project_id: int) -> list[Issue]:
    """Return the leaks of a project, open ones first, then by their latest change."""
    order = (issue.c.state.in_([State.QUIET, State.RESOLVED]), issue.c.changed_at.desc())
    query = LEAKS.where(issue.c.project_id == project_id).order_by(*order)
    return [of_row(row) for row in connection.execute(query)]


def get(connection: Connection, project_id: int, issue_id: int) -> Issue | None:
    """Return one leak of a project."""
    query = LEAKS.where(issue.c.project_id == project_id, issue.c.id == issue_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else of_row(row)


def story(connection: Connection, issue_id: int) -> list[Told]:
    """Return what happened to an issue, newest first."""
    query = (
        select(change, account.c.name.label("by"))
        .outerjoin(account)
        .where(change.c.issue_id == issue_id)
        .order_by(change.c.id.desc())
    )
    return [Told(row.id, change_of_row(row), row.by or "") for row in connection.execute(query)]


def changes_between(
    connection: Connection, project_id: int, since: Micros, until: Micros
) -> list[tuple[Issue, Change]]:
    """Return the changes of a project's leaks in a span of time, with their issues."""
    leaks = (issue.c.project_id == project_id) & (issue.c.kind == Kind.LEAK)
    query = select(change).join(issue).where(leaks, change.c.at >= since, change.c.at < until)
    found = []
    for row in connection.execute(query).all():
        leak = connection.execute(LEAKS.where(issue.c.id == row.issue_id)).one()
        found.append((of_row(leak), change_of_row(row)))
    return found


def record(
    connection: Connection,
    project_id: int,
    known: Issue | None,
    step: Change,
    account_id: int | None = None,
) -> tuple[int, int]:
    """Store *step*, which opens an issue where *known* is None; return issue and change id."""
    state = STATE_AFTER[step.kind]
    facts: dict[str, Any] = {
        "state": state,
        "changed_at": step.at,
        "resolved_at": step.at if state is State.RESOLVED and account_id is not None else None,
    }
    if step.proof is not None:
        facts["proof"] = msgspec.json.encode(step.proof).decode()
    elif state is State.OPEN:
        facts["proof"] = None
    if step.finding is not None:
        facts |= _spoken_for(step.finding, step.at)
        before = known.told if known and step.kind is ChangeKind.WORSENED else None
        facts["told"] = _encoded(step.finding.at_least(before))
    if known is None:
        assert step.finding is not None, "an issue opens with a finding"
        facts["opened_at"] = step.at
        made = insert(issue).values(project_id=project_id, **facts).returning(issue.c.id)
        issue_id = connection.execute(made).scalar_one()
    else:
        issue_id = known.id
        connection.execute(update(issue).where(issue.c.id == issue_id).values(facts))
    values = {"issue_id": issue_id, "kind": step.kind, "at": step.at, "because": step.because}
    finding = None if step.finding is None else _encoded(step.finding)
    added = insert(change).values(**values, finding=finding, account_id=account_id)
    return issue_id, connection.execute(added.returning(change.c.id)).scalar_one()


def keep_finding(connection: Connection, issue_id: int, finding: Finding, now: Micros) -> None:
    """Store the latest *finding* of an open issue, which changes nothing about it."""
    query = update(issue).where(issue.c.id == issue_id)
    connection.execute(query.values(_spoken_for(finding, now)))


def snooze(connection: Connection, issue_id: int, until: Micros | None) -> None:
    """Hold back the alerts of an issue until *until*, or no longer."""
    connection.execute(update(issue).where(issue.c.id == issue_id).values(snoozed_until=until))


def count_open(connection: Connection, project_id: int) -> int:
    """Return how many issues of a project are open."""
    query = select(func.count()).where(
        issue.c.project_id == project_id, issue.c.state == State.OPEN
    )
    return connection.execute(query).scalar_one()


def _spoken_for(finding: Finding, now: Micros) -> dict[str, Any]:
    return {
        "fingerprint": finding.fingerprint,
        "title": finding.title,
        "endpoint": "" if finding.diagnosis is None else finding.diagnosis.endpoint,
        "release": finding.release,
        "environment": finding.environment,
        "seen_at": now,
        "finding": _encoded(finding),
    }


def _encoded(finding: Finding) -> str:
    return msgspec.json.encode(finding).decode()


def of_row(row: Row[Any]) -> Issue:
    """Return the leak in *row*, of `LEAKS`."""
    fields = dict(row._mapping)
    fields["state"] = State(fields["state"])
    fields["finding"] = msgspec.json.decode(fields["finding"], type=Finding)
    if fields["told"] is not None:
        fields["told"] = msgspec.json.decode(fields["told"], type=Finding)
    if fields["proof"] is not None:
        fields["proof"] = msgspec.json.decode(fields["proof"], type=Proof)
    return Issue(**fields)


def change_of_row(row: Row[Any]) -> Change:
    """Return the change in *row*."""
    finding = None if row.finding is None else msgspec.json.decode(row.finding, type=Finding)
    return Change(kind=ChangeKind(row.kind), at=row.at, because=row.because, finding=finding)
