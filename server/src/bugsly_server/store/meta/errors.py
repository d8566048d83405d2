"""Errors: issues that are made of events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from bugsly_server.clock import HOUR, Micros
from bugsly_server.model.error import ErrorIssue
from bugsly_server.model.issue import Change, Kind, State
from bugsly_server.store.meta.error_tables import error, grouping, grouping_hour, trait
from bugsly_server.store.meta.issues import STATE_AFTER
from bugsly_server.store.meta.tables import change, issue, release

MOST_USERS = 1_000
"""Of an error, told apart."""
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
    return None if row is None else of_row(row)


def find(connection: Connection, issue_ids: Iterable[int]) -> dict[int, ErrorIssue]:
    """Return the errors with these ids."""
    rows = connection.execute(SELECT.where(issue.c.id.in_(list(issue_ids))))
    return {row.id: of_row(row) for row in rows}


def unresolved(connection: Connection, project_id: int, most: int) -> list[ErrorIssue]:
    """Return up to *most* errors of a project that are not resolved, last seen first."""
    query = (
        SELECT.where(issue.c.project_id == project_id, issue.c.state != State.RESOLVED)
        .order_by(issue.c.seen_at.desc())
        .limit(most)
    )
    return [of_row(row) for row in connection.execute(query)]


def count_all(connection: Connection, project_id: int) -> int:
    """Return how many errors a project has, whatever their state."""
    query = select(func.count()).where(issue.c.project_id == project_id, issue.c.kind == Kind.ERROR)
    return int(connection.execute(query).scalar_one())


def add(connection: Connection, facts: Mapping[str, Any]) -> int:
    """Store an error without events so far; return its id."""
    mine = {name: value for name, value in facts.items() if name in error.c}
    shared = {name: value for name, value in facts.items() if name in issue.c}
    shared |= {"kind": Kind.ERROR, "state": State.OPEN, "finding": ""}
    added = insert(issue).values(shared).returning(issue.c.id)
    made = int(connection.execute(added).scalar_one())
    connection.execute(insert(error).values(issue_id=made, **mine))
    return made


def touch(connection: Connection, facts: Iterable[Mapping[str, Any]]) -> None:
    """Store what the latest events of errors say: rows with `key`, `seen_at`, `more` and so on."""
    rows = list(facts)
    if not rows:
        return
    latest: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("release", "environment")}
    seen = func.max(issue.c.seen_at, bindparam("new_seen_at"))
    query = update(issue).where(issue.c.id == bindparam("key"))
    connection.execute(query.values(**latest, seen_at=seen), rows)
    query = update(error).where(error.c.issue_id == bindparam("key"))
    connection.execute(query.values(count=error.c.count + bindparam("more")), rows)


def record(
    connection: Connection,
    known: ErrorIssue,
    step: Change,
    account_id: int | None = None,
    **facts: Any,
) -> int:
    """Store *step* in the life of *known*, and *facts* of the row of `error`; return its id."""
    state = STATE_AFTER[step.kind]
    shared = {
        "state": state,
        "changed_at": step.at,
        "resolved_at": step.at if state is State.RESOLVED else None,
        "snoozed_until": facts.pop("snoozed_until", None),
    }
    connection.execute(update(issue).where(issue.c.id == known.id).values(shared))
    if facts:
        connection.execute(update(error).where(error.c.issue_id == known.id).values(facts))
    values = {"issue_id": known.id, "kind": step.kind, "at": step.at, "because": step.because}
    added = insert(change).values(**values, account_id=account_id)
    return int(connection.execute(added.returning(change.c.id)).scalar_one())


def count_users(connection: Connection, issue_ids: Iterable[int]) -> None:
    """Count again by how many users each of the errors was met."""
    counted = (
        select(func.count(trait.c.value.distinct()))
        .join(grouping, grouping.c.id == trait.c.grouping_id)
        .where(grouping.c.issue_id == error.c.issue_id, trait.c.kind == "user")
        .scalar_subquery()
    )
    ids = list(issue_ids)
    if not ids:
        return
    mine = error.c.issue_id.in_(ids)
    connection.execute(update(error).where(mine).values(users=counted))


def recount(connection: Connection, issue_id: int) -> None:
    """Make the figures of an error anew from its groupings, which were moved."""
    of_mine = grouping.c.issue_id == issue_id
    total = select(func.coalesce(func.sum(grouping.c.events), 0)).where(of_mine).scalar_subquery()
    connection.execute(update(error).where(error.c.issue_id == issue_id).values(count=total))
    first = select(func.min(grouping.c.first_at)).where(of_mine).scalar_subquery()
    last = select(func.max(grouping.c.last_at)).where(of_mine).scalar_subquery()
    moments = {
        "opened_at": func.coalesce(first, issue.c.opened_at),
        "seen_at": func.coalesce(last, issue.c.seen_at),
    }
    connection.execute(update(issue).where(issue.c.id == issue_id).values(moments))
    count_users(connection, [issue_id])


def usual(connection: Connection, issue_id: int, since: Micros, until: Micros) -> float:
    """Return the events of an error an hour in a span of whole hours."""
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


def sent_since(connection: Connection, project_id: int, moment: Micros) -> int:
    """Return how many events of a project were counted since the hour of *moment*."""
    total = func.coalesce(func.sum(grouping_hour.c.events), 0)
    query = (
        select(total)
        .join(grouping, grouping.c.id == grouping_hour.c.grouping_id)
        .where(grouping.c.project_id == project_id, grouping_hour.c.hour >= moment // HOUR)
    )
    return int(connection.execute(query).scalar_one())


def released(connection: Connection, project_id: int) -> dict[str, Micros]:
    """Return when each release of a project was first seen."""
    query = select(release.c.version, release.c.first_seen_at)
    rows = connection.execute(query.where(release.c.project_id == project_id))
    return {row.version: row.first_seen_at for row in rows}


def of_row(row: Row[Any]) -> ErrorIssue:
    """Return the error in *row*, which has `COLUMNS`."""
    fields = dict(row._mapping)
    fields["state"] = State(fields["state"])
    return ErrorIssue(**fields)
