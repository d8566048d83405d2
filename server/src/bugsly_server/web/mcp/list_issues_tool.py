"""The tool that lists issues."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from bugsly_server.clock import SECOND
from bugsly_server.errors import NotFound
from bugsly_server.model.issue import IssueKind, IssueState
from bugsly_server.store.meta import issue_listing, projects
from bugsly_server.store.meta.issue_listing import IssueFilter, ListedIssue
from bugsly_server.store.meta.projects import MAX_SLUG_LENGTH
from bugsly_server.web.mcp.caller import Caller

MAX_PAGE = 10_000


class ListIssues(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """List issues, fifty per page, the last seen first: memory leaks and errors."""

    project: Annotated[str, Meta(max_length=MAX_SLUG_LENGTH, description="All, if not given")] = ""
    state: IssueState = IssueState.OPEN
    kind: Annotated[IssueKind | None, Meta(description="Both, if not given")] = None
    page: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 1


def list_issues(caller: Caller, arguments: ListIssues) -> list[str]:
    """Return matching issues as JSON, by project; raise `NotFound` for an unknown project.

    `total` counts the issues of all pages.
    """
    filters = IssueFilter(kind=arguments.kind or "", state=arguments.state, page=arguments.page)
    with caller.server.database.reading() as connection:
        all_projects = projects.list_all(connection)
        selected = [one for one in all_projects if arguments.project in {"", one.slug}]
        if arguments.project and not selected:
            known = ", ".join(one.slug for one in all_projects) or "none yet"
            raise NotFound(f"project: there is no {arguments.project!r} → take one of: {known}")
        pages = {one.slug: issue_listing.list_page(connection, one.id, filters) for one in selected}
    content = {
        slug: {"total": total, "issues": [_row_facts(one) for one in page]}
        for slug, (page, total) in pages.items()
    }
    return [msgspec.json.encode(content).decode()]


def _row_facts(row: ListedIssue) -> dict[str, Any]:
    facts = {
        "id": row.id,
        "kind": row.kind,
        "title": row.title,
        "state": row.state,
        "verdict": row.finding and row.finding.verdict,
        "count": row.count,
        "users": row.users,
        "place": row.place,
        "endpoint": row.endpoint,
        "level": row.level,
        "release": row.release,
        "environment": row.environment,
        "opened_at": row.opened_at / SECOND,
        "seen_at": row.seen_at / SECOND,
    }
    return {name: value for name, value in facts.items() if value}
