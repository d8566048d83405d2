"""Leaks, the issues of detection, and the changes that make up the story of any issue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from bugsly_server.clock import Micros
from bugsly_server.model.issue import (
    Finding,
    Issue,
    IssueChange,
    IssueChangeKind,
    IssueKind,
    IssueState,
)
from bugsly_server.store.meta.tables import account, change, issue
from bugsly_server.store.records.finding import finding_from_json, finding_to_json
from bugsly_server.store.records.fix_proof import proof_from_json, proof_to_json

STATE_AFTER = {
    IssueChangeKind.OPENED: IssueState.OPEN,
    IssueChangeKind.WORSENED: IssueState.OPEN,
    IssueChangeKind.CAME_BACK: IssueState.OPEN,
    IssueChangeKind.NAMED: IssueState.OPEN,
    IssueChangeKind.QUIETED: IssueState.QUIET,
    IssueChangeKind.ESCALATED: IssueState.OPEN,
    IssueChangeKind.IGNORED: IssueState.IGNORED,
    IssueChangeKind.FIXED: IssueState.RESOLVED,
    IssueChangeKind.RESOLVED: IssueState.RESOLVED,
    IssueChangeKind.MERGED: IssueState.RESOLVED,
    IssueChangeKind.SPLIT: IssueState.OPEN,
}

COLUMNS = (
    *(issue.c.id, issue.c.project_id, issue.c.fingerprint, issue.c.title, issue.c.state),
    *(issue.c.opened_at, issue.c.changed_at, issue.c.seen_at, issue.c.resolved_at),
    *(issue.c.snoozed_until, issue.c.finding, issue.c.told, issue.c.proof),
)
LEAKS: Select[Any] = select(*COLUMNS).where(issue.c.kind == IssueKind.LEAK)


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """A stored change, and the account that caused it, if a person did."""

    id: int
    change: IssueChange
    by: str


def list_all(connection: Connection, project_id: int) -> list[Issue]:
    """Return the leaks of a project, open ones first, then by their latest change."""
    order = (issue.c.state.in_([IssueState.QUIET, IssueState.RESOLVED]), issue.c.changed_at.desc())
    query = LEAKS.where(issue.c.project_id == project_id).order_by(*order)
    return [leak_from_row(row) for row in connection.execute(query)]


def get(connection: Connection, project_id: int, issue_id: int) -> Issue | None:
    """Return one leak of a project."""
    query = LEAKS.where(issue.c.project_id == project_id, issue.c.id == issue_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else leak_from_row(row)


def history(connection: Connection, issue_id: int) -> list[RecordedChange]:
    """Return what happened to an issue, newest first."""
    query = (
        select(change, account.c.name.label("by"))
        .outerjoin(account)
        .where(change.c.issue_id == issue_id)
        .order_by(change.c.id.desc())
    )
    return [
        RecordedChange(row.id, change_from_row(row), row.by or "")
        for row in connection.execute(query)
    ]


def changes_between(
    connection: Connection, project_id: int, since: Micros, until: Micros
) -> list[tuple[Issue, IssueChange]]:
    """Return the changes of a project's leaks in a span of time, with their issues."""
    leaks = (issue.c.project_id == project_id) & (issue.c.kind == IssueKind.LEAK)
    query = select(change).join(issue).where(leaks, change.c.at >= since, change.c.at < until)
    found = []
    for row in connection.execute(query).all():
        leak = connection.execute(LEAKS.where(issue.c.id == row.issue_id)).one()
        found.append((leak_from_row(leak), change_from_row(row)))
    return found


def record_change(
    connection: Connection,
    project_id: int,
    known: Issue | None,
    new_change: IssueChange,
    account_id: int | None = None,
) -> tuple[int, int]:
    """Store *new_change*, which opens an issue where *known* is None; return the ids of both."""
    facts = _columns_after(known, new_change, by_person=account_id is not None)
    if known is None:
        assert new_change.finding is not None, "an issue opens with a finding"
        facts["opened_at"] = new_change.at
        made = insert(issue).values(project_id=project_id, **facts).returning(issue.c.id)
        issue_id = connection.execute(made).scalar_one()
    else:
        issue_id = known.id
        connection.execute(update(issue).where(issue.c.id == issue_id).values(facts))
    values = {
        "issue_id": issue_id,
        "kind": new_change.kind,
        "at": new_change.at,
        "because": new_change.because,
    }
    finding = None if new_change.finding is None else finding_to_json(new_change.finding)
    added = insert(change).values(**values, finding=finding, account_id=account_id)
    return issue_id, connection.execute(added.returning(change.c.id)).scalar_one()


def _columns_after(
    known: Issue | None, new_change: IssueChange, *, by_person: bool
) -> dict[str, Any]:
    """Return the columns that *new_change* sets; `resolved_at` only where a person resolved it."""
    state = STATE_AFTER[new_change.kind]
    is_resolved = state is IssueState.RESOLVED and by_person
    columns: dict[str, Any] = {
        "state": state,
        "changed_at": new_change.at,
        "resolved_at": new_change.at if is_resolved else None,
    }
    if new_change.proof is not None:
        columns["proof"] = proof_to_json(new_change.proof)
    elif state is IssueState.OPEN:
        columns["proof"] = None
    if new_change.finding is not None:
        columns |= _finding_columns(new_change.finding, new_change.at)
        is_worse = known is not None and new_change.kind is IssueChangeKind.WORSENED
        reported_before = known.reported if known is not None and is_worse else None
        columns["told"] = finding_to_json(new_change.finding.no_milder_than(reported_before))
    return columns


def update_finding(connection: Connection, issue_id: int, finding: Finding, now: Micros) -> None:
    """Store the latest *finding* of an open issue, which changes nothing about it."""
    query = update(issue).where(issue.c.id == issue_id)
    connection.execute(query.values(_finding_columns(finding, now)))


def snooze(connection: Connection, issue_id: int, until: Micros | None) -> None:
    """Hold back the alerts of an issue until *until*, or no longer."""
    connection.execute(update(issue).where(issue.c.id == issue_id).values(snoozed_until=until))


def count_open(connection: Connection, project_id: int) -> int:
    """Return how many issues of a project are open."""
    query = select(func.count()).where(
        issue.c.project_id == project_id, issue.c.state == IssueState.OPEN
    )
    return connection.execute(query).scalar_one()


def _finding_columns(finding: Finding, now: Micros) -> dict[str, Any]:
    return {
        "fingerprint": finding.fingerprint,
        "title": finding.title,
        "endpoint": _endpoint(finding),
        "release": finding.release,
        "environment": finding.environment,
        "seen_at": now,
        "finding": finding_to_json(finding),
    }


def _endpoint(finding: Finding) -> str:
    diagnosis = finding.diagnosis
    return "" if diagnosis is None else diagnosis.attribution.endpoint or ""


def leak_from_row(row: Row[Any]) -> Issue:
    """Return the leak in *row*, of `LEAKS`."""
    fields = dict(row._mapping)
    fields["state"] = IssueState(fields["state"])
    fields["finding"] = finding_from_json(fields["finding"])
    reported = fields.pop("told")
    fields["reported"] = None if reported is None else finding_from_json(reported)
    if fields["proof"] is not None:
        fields["proof"] = proof_from_json(fields["proof"])
    return Issue(**fields)


def change_from_row(row: Row[Any]) -> IssueChange:
    """Return the change in *row*."""
    finding = None if row.finding is None else finding_from_json(row.finding)
    return IssueChange(
        kind=IssueChangeKind(row.kind), at=row.at, because=row.because, finding=finding
    )
