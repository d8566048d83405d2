"""Lists the issues of a project of every kind, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from bugsly_server.clock import Micros
from bugsly_server.model.issue import Finding, IssueKind, IssueState
from bugsly_server.store.meta.error_tables import error, grouping, trait
from bugsly_server.store.meta.tables import issue
from bugsly_server.store.records.finding import finding_from_json

PAGE_SIZE = 50
MAX_CHOICES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueFilter:
    """What to list; an empty field does not filter."""

    kind: str = ""
    state: str = ""
    release: str = ""
    environment: str = ""
    text: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedIssue:
    """An issue as the list shows it."""

    id: int
    kind: IssueKind
    title: str
    place: str
    endpoint: str
    level: str
    state: IssueState
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


def list_page(
    connection: Connection, project_id: int, issue_filter: IssueFilter
) -> tuple[list[ListedIssue], int]:
    """Return a page of the issues that match, last seen first, and how many match."""
    condition = _condition(project_id, issue_filter)
    joined = issue.outerjoin(error, error.c.issue_id == issue.c.id)
    total = connection.execute(
        select(func.count()).select_from(joined).where(condition)
    ).scalar_one()
    query = (
        select(
            *(issue.c.id, issue.c.kind, issue.c.title, issue.c.endpoint, issue.c.state),
            *(issue.c.opened_at, issue.c.seen_at, issue.c.snoozed_until, issue.c.finding),
            *(issue.c.release, issue.c.environment),
            *(error.c.place, error.c.level, error.c.count, error.c.users),
        )
        .select_from(joined)
        .where(condition)
        .order_by(issue.c.seen_at.desc(), issue.c.id.desc())
        .limit(PAGE_SIZE)
        .offset((issue_filter.page - 1) * PAGE_SIZE)
    )
    return [_listed_from_row(row) for row in connection.execute(query)], total


def environments(connection: Connection, project_id: int) -> list[str]:
    """Return the environments that issues of a project were last seen in."""
    query = select(issue.c.environment).where(issue.c.project_id == project_id).distinct()
    found = connection.execute(query.limit(MAX_CHOICES)).scalars()
    return sorted(one for one in found if one)


def _condition(project_id: int, issue_filter: IssueFilter) -> ColumnElement[bool]:
    condition = (issue.c.project_id == project_id) & error.c.merged_into.is_(None)
    if issue_filter.kind:
        condition &= issue.c.kind == issue_filter.kind
    if issue_filter.state:
        condition &= issue.c.state == issue_filter.state
    if issue_filter.release:
        condition &= _was_in("release", issue_filter.release) | (
            issue.c.release == issue_filter.release
        )
    if issue_filter.environment:
        seen_in = _was_in("environment", issue_filter.environment)
        condition &= seen_in | (issue.c.environment == issue_filter.environment)
    if issue_filter.text:
        texts = (issue.c.title, issue.c.endpoint, error.c.place)
        condition &= or_(*(one.icontains(issue_filter.text, autoescape=True) for one in texts))
    return condition


def _was_in(kind: str, value: str) -> ColumnElement[bool]:
    seen_in = (
        select(grouping.c.issue_id)
        .join(trait, trait.c.grouping_id == grouping.c.id)
        .where(trait.c.kind == kind, trait.c.value == value)
    )
    return issue.c.id.in_(seen_in)


def _listed_from_row(row: Any) -> ListedIssue:
    fields = dict(row._mapping)
    is_leak = fields["kind"] == IssueKind.LEAK
    finding = finding_from_json(fields["finding"]) if is_leak else None
    return ListedIssue(
        **fields
        | {
            "kind": IssueKind(fields["kind"]),
            "state": IssueState(fields["state"]),
            "finding": finding,
            "place": fields["place"] or "",
            "level": fields["level"] or "",
            "count": fields["count"] or 0,
            "users": fields["users"] or 0,
        }
    )
