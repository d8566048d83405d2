"""The list of a project's issues, errors and leaks together, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from bugsly_server.clock import Micros
from bugsly_server.model.issue import Finding, Kind, State
from bugsly_server.store.meta.error_tables import error, grouping, trait
from bugsly_server.store.meta.tables import issue

PAGE = 50
MOST_CHOICES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to list; what is empty does not matter."""

    kind: str = ""
    state: str = ""
    release: str = ""
    environment: str = ""
    text: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An issue as the list shows it."""

    id: int
    kind: Kind
    title: str
    place: str
    endpoint: str
    level: str
    state: State
    opened_at: Micros
    seen_at: Micros
    snoozed_until: Micros | None
    count: int
    users: int
    release: str
    environment: str
    finding: Finding | None
    """Of a leak."""

    def is_snoozed(self, now: Micros) -> bool:
        """Return whether its alerts are held back."""
        return self.snoozed_until is not None and now < self.snoozed_until


def page(connection: Connection, project_id: int, wanted: Wanted) -> tuple[list[Listed], int]:
    """Return a page of the issues that are wanted, last seen first, and how many there are."""
    chosen = _condition(project_id, wanted)
    joined = issue.outerjoin(error, error.c.issue_id == issue.c.id)
    total = connection.execute(select(func.count()).select_from(joined).where(chosen)).scalar_one()
    query = (
        select(
            *(issue.c.id, issue.c.kind, issue.c.title, issue.c.endpoint, issue.c.state),
            *(issue.c.opened_at, issue.c.seen_at, issue.c.snoozed_until, issue.c.finding),
            *(issue.c.release, issue.c.environment),
            *(error.c.place, error.c.level, error.c.count, error.c.users),
        )
        .select_from(joined)
        .where(chosen)
        .order_by(issue.c.seen_at.desc(), issue.c.id.desc())
        .limit(PAGE)
        .offset((wanted.page - 1) * PAGE)
    )
    return [_listed(row) for row in connection.execute(query)], total


def environments(connection: Connection, project_id: int) -> list[str]:
    """Return the environments that issues of a project were last seen in."""
    query = select(issue.c.environment).where(issue.c.project_id == project_id).distinct()
    found = connection.execute(query.limit(MOST_CHOICES)).scalars()
    return sorted(one for one in found if one)


def _condition(project_id: int, wanted: Wanted) -> ColumnElement[bool]:
    chosen = (issue.c.project_id == project_id) & error.c.merged_into.is_(None)
    if wanted.kind:
        chosen &= issue.c.kind == wanted.kind
    if wanted.state:
        chosen &= issue.c.state == wanted.state
    if wanted.release:
        chosen &= _was_in("release", wanted.release) | (issue.c.release == wanted.release)
    if wanted.environment:
        met = _was_in("environment", wanted.environment)
        chosen &= met | (issue.c.environment == wanted.environment)
    if wanted.text:
        texts = (issue.c.title, issue.c.endpoint, error.c.place)
        chosen &= or_(*(one.icontains(wanted.text, autoescape=True) for one in texts))
    return chosen


def _was_in(kind: str, value: str) -> ColumnElement[bool]:
    return exists(
        select(trait.c.value)
        .join(grouping, grouping.c.id == trait.c.grouping_id)
        .where(grouping.c.issue_id == issue.c.id, trait.c.kind == kind, trait.c.value == value)
    )


def _listed(row: Any) -> Listed:
    fields = dict(row._mapping)
    is_leak = fields["kind"] == Kind.LEAK
    finding = msgspec.json.decode(fields["finding"], type=Finding) if is_leak else None
    return Listed(
        **fields
        | {
            "kind": Kind(fields["kind"]),
            "state": State(fields["state"]),
            "finding": finding,
            "place": fields["place"] or "",
            "level": fields["level"] or "",
            "count": fields["count"] or 0,
            "users": fields["users"] or 0,
        }
    )
