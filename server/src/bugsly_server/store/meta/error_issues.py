"""Stores errors: the issues that are made of events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from bugsly_server.clock import HOUR, Micros
from bugsly_server.model.error_issue import ErrorIssue
from bugsly_server.model.issue import IssueChange, IssueKind, IssueState
from bugsly_server.store.meta.error_tables import error, grouping, grouping_hour, trait
from bugsly_server.store.meta.leak_issues import STATE_AFTER
from bugsly_server.store.meta.tables import change, issue

MAX_USERS = 1_000
"""Distinct users of an error that are counted."""
COLUMNS = (
    *(issue.c.id, issue.c.project_id, issue.c.title, issue.c.state, issue.c.opened_at),
    *(issue.c.changed_at, issue.c.seen_at, issue.c.resolved_at, issue.c.snoozed_until),
    *(issue.c.endpoint, issue.c.release, issue.c.environment),
    *(one for one in error.c if one is not error.c.issue_id),
)
SELECT: Select[Any] = select(*COLUMNS).join(error, error.c.issue_id == issue.c.id)


def get(connection: Connection, project_id: int, issue_id: int) -> ErrorIssue | None:
    """Return one error of a project."""
    query = SELECT.where(issue.c.project_id == project_id, issue.c.id == issue_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else error_from_row(row)


def find(connection: Connection, issue_ids: Iterable[int]) -> dict[int, ErrorIssue]:
    """Return the errors with these ids."""
    rows = connection.execute(SELECT.where(issue.c.id.in_(list(issue_ids))))
    return {row.id: error_from_row(row) for row in rows}


def list_unresolved(connection: Connection, project_id: int, limit: int) -> list[ErrorIssue]:
    """Return up to *limit* errors of a project that are not resolved, last seen first."""
    query = (
        SELECT.where(issue.c.project_id == project_id, issue.c.state != IssueState.RESOLVED)
        .order_by(issue.c.seen_at.desc())
        .limit(limit)
    )
    return [error_from_row(row) for row in connection.execute(query)]


def count_all(connection: Connection, project_id: int, kind: IssueKind = IssueKind.ERROR) -> int:
    """Return how many errors, or issues of *kind*, a project has, whatever their state."""
    query = select(func.count()).where(issue.c.project_id == project_id, issue.c.kind == kind)
    return int(connection.execute(query).scalar_one())


def add(connection: Connection, facts: Mapping[str, Any]) -> int:
    """Store an error that has no events yet; return its id."""
    error_fields = {name: value for name, value in facts.items() if name in error.c}
    issue_fields = {name: value for name, value in facts.items() if name in issue.c}
    issue_fields |= {"kind": IssueKind.ERROR, "state": IssueState.OPEN, "finding": ""}
    added = insert(issue).values(issue_fields).returning(issue.c.id)
    made = int(connection.execute(added).scalar_one())
    connection.execute(insert(error).values(issue_id=made, **error_fields))
    return made


def update_latest(connection: Connection, facts: Iterable[Mapping[str, Any]]) -> None:
    """Store the facts of errors' latest events: rows with `key`, `new_seen_at`, `more` etc."""
    rows = list(facts)
    if not rows:
        return
    latest: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("release", "environment")}
    seen = func.max(issue.c.seen_at, bindparam("new_seen_at"))
    query = update(issue).where(issue.c.id == bindparam("key"))
    connection.execute(query.values(**latest, seen_at=seen), rows)
    query = update(error).where(error.c.issue_id == bindparam("key"))
    connection.execute(query.values(count=error.c.count + bindparam("more")), rows)


def record_change(
    connection: Connection,
    known: ErrorIssue,
    new_change: IssueChange,
    account_id: int | None = None,
    **facts: Any,
) -> int:
    """Store *new_change* of *known*, and *facts* in its row of `error`; return the change's id."""
    state = STATE_AFTER[new_change.kind]
    issue_fields = {
        "state": state,
        "changed_at": new_change.at,
        "resolved_at": new_change.at if state is IssueState.RESOLVED else None,
        "snoozed_until": facts.pop("snoozed_until", None),
    }
    connection.execute(update(issue).where(issue.c.id == known.id).values(issue_fields))
    if facts:
        connection.execute(update(error).where(error.c.issue_id == known.id).values(facts))
    values = {
        "issue_id": known.id,
        "kind": new_change.kind,
        "at": new_change.at,
        "because": new_change.because,
    }
    added = insert(change).values(**values, account_id=account_id)
    return int(connection.execute(added.returning(change.c.id)).scalar_one())


def add_users(connection: Connection, amounts: Mapping[int, int]) -> None:
    """Add to the number of users of each error."""
    if amounts:
        query = update(error).where(error.c.issue_id == bindparam("key"))
        rows = [{"key": key, "more": more} for key, more in amounts.items()]
        connection.execute(query.values(users=error.c.users + bindparam("more")), rows)


def recount(connection: Connection, issue_id: int) -> None:
    """Compute the figures of an error again from its groupings, which were moved."""
    of_issue = grouping.c.issue_id == issue_id
    total = select(func.coalesce(func.sum(grouping.c.events), 0)).where(of_issue).scalar_subquery()
    users = (
        select(func.count(trait.c.value.distinct()))
        .join(grouping, grouping.c.id == trait.c.grouping_id)
        .where(of_issue, trait.c.kind == "user")
        .scalar_subquery()
    )
    statement = update(error).where(error.c.issue_id == issue_id)
    connection.execute(statement.values(count=total, users=users))
    first = select(func.min(grouping.c.first_at)).where(of_issue).scalar_subquery()
    last = select(func.max(grouping.c.last_at)).where(of_issue).scalar_subquery()
    moments = {
        "opened_at": func.coalesce(first, issue.c.opened_at),
        "seen_at": func.coalesce(last, issue.c.seen_at),
    }
    connection.execute(update(issue).where(issue.c.id == issue_id).values(moments))


def usual_hourly_rate(connection: Connection, issue_id: int, since: Micros, until: Micros) -> float:
    """Return an error's events per hour in a span of whole hours."""
    total = func.coalesce(func.sum(grouping_hour.c.events), 0)
    query = (
        select(total)
        .join(grouping, grouping.c.id == grouping_hour.c.grouping_id)
        .where(
            grouping.c.issue_id == issue_id,
            grouping_hour.c.hour >= since // HOUR,
            grouping_hour.c.hour < until // HOUR,
        )
    )
    spanned = max(1, until // HOUR - since // HOUR)
    return float(connection.execute(query).scalar_one()) / spanned


def events_since(connection: Connection, project_id: int, moment: Micros) -> int:
    """Return how many events of a project were counted since the hour of *moment*."""
    total = func.coalesce(func.sum(grouping_hour.c.events), 0)
    query = (
        select(total)
        .join(grouping, grouping.c.id == grouping_hour.c.grouping_id)
        .where(grouping.c.project_id == project_id, grouping_hour.c.hour >= moment // HOUR)
    )
    return int(connection.execute(query).scalar_one())


def error_from_row(row: Row[Any]) -> ErrorIssue:
    """Return the error in *row*, which has `COLUMNS`."""
    fields = dict(row._mapping)
    fields["state"] = IssueState(fields["state"])
    return ErrorIssue(**fields)
