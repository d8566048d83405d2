"""The caller of a tool, and the look-up of an issue for all tools."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from bugsly_server.errors import NotFound
from bugsly_server.model.error_issue import AnyIssue
from bugsly_server.store.meta import (
    error_issues,
    hindrance_issues,
    leak_issues,
    outage_issues,
    projects,
)
from bugsly_server.store.meta.accounts import Account
from bugsly_server.store.meta.projects import Project
from bugsly_server.web.page_context import ServerContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The owner of the token, and the server it gives access to."""

    server: ServerContext
    account: Account
    base_url: str
    """The public URL of the server: from the settings, else as the caller sees it."""


def find_issue(connection: Connection, issue_id: int) -> tuple[Project, AnyIssue]:
    """Return an issue of any project and any kind; raise `NotFound` where there is none."""
    for project in projects.list_all(connection):
        candidates = (
            kind.get(connection, project.id, issue_id)
            for kind in (leak_issues, error_issues, hindrance_issues, outage_issues)
        )
        issue: AnyIssue | None = next(filter(None, candidates), None)
        if issue is not None:
            return project, issue
    raise NotFound(f"issue: there is no {issue_id} → see list_issues for those there are")
