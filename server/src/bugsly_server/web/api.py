"""What programs read: workers and issues as JSON, opened by an API token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from bugsly_server.clock import Micros
from bugsly_server.digest.event import decode_event
from bugsly_server.export import error_facts, issue_facts, worker_facts
from bugsly_server.model.error import ErrorIssue
from bugsly_server.model.issue import State
from bugsly_server.store.meta import accounts, errors, groupings, issues, projects, workers
from bugsly_server.web.explanation import explained
from bugsly_server.web.site import site_of

MOST_ERRORS = 200
Facts = Callable[[Connection, int, Micros], list[dict[str, Any]]]


def list_workers(request: Request) -> Response:
    """Answer with the living workers of every project, or of `?project=`."""
    return _answer(request, living_workers)


def list_issues(request: Request) -> Response:
    """Answer with the issues that are not resolved, of every project or of `?project=`."""
    return _answer(request, open_issues)


def health(_request: Request) -> Response:
    """Answer that the server is up."""
    return Response(b'{"ok":true}', media_type="application/json")


def living_workers(connection: Connection, project_id: int, now: Micros) -> list[dict[str, Any]]:
    """Return the workers of a project that have not ended."""
    return [worker_facts(one, now) for one in workers.living(connection, project_id)]


def open_issues(connection: Connection, project_id: int, now: Micros) -> list[dict[str, Any]]:
    """Return the issues of a project that are not resolved: all leaks, and the latest errors."""
    leaks = [one for one in issues.every(connection, project_id) if one.state is not State.RESOLVED]
    found = errors.unresolved(connection, project_id, MOST_ERRORS)
    return [
        *(issue_facts(one, now) for one in leaks),
        *(error_facts(one, _explanation(connection, one)) for one in found),
    ]


def _explanation(connection: Connection, error: ErrorIssue) -> Any:
    """Return what the rules say of the latest event of *error* that is kept for good."""
    for kept in groupings.specimens(connection, error.id)[:1]:
        event = decode_event(kept.body, kept.at, Counter())
        return None if event is None else explained(event)
    return None


def by_project(
    connection: Connection, facts: Facts, slug: str | None, now: Micros
) -> dict[str, list[dict[str, Any]]]:
    """Return *facts* of each project, or of the one called *slug*, by its slug."""
    every = projects.every(connection)
    chosen = [one for one in every if slug is None or one.slug == slug]
    return {one.slug: facts(connection, one.id, now) for one in chosen}


def _answer(request: Request, facts: Facts) -> Response:
    site = site_of(request)
    now = site.clock()
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    with site.database.writing() as connection:
        if scheme.lower() != "bearer" or not accounts.is_token(connection, secret, now):
            return _json({"detail": "token: is unknown → make one on the account page"}, 401)
    with site.database.reading() as connection:
        found = by_project(connection, facts, request.query_params.get("project"), now)
    return _json(found, 200)


def _json(content: object, status: int) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
