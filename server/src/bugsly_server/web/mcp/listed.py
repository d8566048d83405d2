"""The tool that lists issues."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from bugsly_server.clock import SECOND
from bugsly_server.errors import NotFound
from bugsly_server.model.issue import Kind, State
from bugsly_server.store.meta import listing, projects
from bugsly_server.store.meta.listing import Listed, Wanted
from bugsly_server.store.meta.projects import LONGEST_SLUG
from bugsly_server.web.mcp.caller import Caller

MOST_PAGES = 10_000


class ListIssues(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """List issues, fifty a page, those last seen first: leaks of memory, and errors."""

    project: Annotated[str, Meta(max_length=LONGEST_SLUG, description="All, if not given")] = ""
    state: State = State.OPEN
    kind: Annotated[Kind | None, Meta(description="Both, if not given")] = None
    page: Annotated[int, Meta(ge=1, le=MOST_PAGES)] = 1


def list_issues(caller: Caller, given: ListIssues) -> list[str]:
    """Return the issues that are wanted as JSON, by project; raise `NotFound` for an unknown one.

    `total` counts those on the other pages too.
    """
    wanted = Wanted(kind=given.kind or "", state=given.state, page=given.page)
    with caller.site.database.reading() as connection:
        every = projects.every(connection)
        chosen = [one for one in every if given.project in {"", one.slug}]
        if given.project and not chosen:
            known = ", ".join(one.slug for one in every) or "none yet"
            raise NotFound(f"project: there is no {given.project!r} → take one of: {known}")
        found = {one.slug: listing.page(connection, one.id, wanted) for one in chosen}
    told = {
        slug: {"total": total, "issues": [_facts(one) for one in page]}
        for slug, (page, total) in found.items()
    }
    return [msgspec.json.encode(told).decode()]


def _facts(one: Listed) -> dict[str, Any]:
    facts = {
        "id": one.id,
        "kind": one.kind,
        "title": one.title,
        "state": one.state,
        "verdict": one.finding and one.finding.verdict,
        "count": one.count,
        "users": one.users,
        "place": one.place,
        "endpoint": one.endpoint,
        "level": one.level,
        "release": one.release,
        "environment": one.environment,
        "opened_at": one.opened_at / SECOND,
        "seen_at": one.seen_at / SECOND,
    }
    return {name: value for name, value in facts.items() if value}
