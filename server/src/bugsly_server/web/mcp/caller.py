"""Who calls a tool, and how a tool finds the issue it is called for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from bugsly_server.errors import NotFound
from bugsly_server.model.error import AnyIssue
from bugsly_server.store.meta import errors, held_back, issues, projects
from bugsly_server.store.meta.accounts import Account
from bugsly_server.store.meta.projects import Project
from bugsly_server.web.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose token it is, and the server it opens."""

    site: Site
    account: Account
    address: str
    """Where the caller sees this server, unless the settings know better."""


def find_issue(connection: Connection, issue_id: int) -> tuple[Project, AnyIssue]:
    """Return an issue of any project and any kind; raise `NotFound` where there is none."""
    for project in projects.every(connection):
        each = (kind.get(connection, project.id, issue_id) for kind in (issues, errors, held_back))
        found: AnyIssue | None = next(filter(None, each), None)
        if found is not None:
            return project, found
    raise NotFound(f"issue: there is no {issue_id} → see list_issues for those there are")
