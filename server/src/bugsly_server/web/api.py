"""What programs read and ask for: workers, issues and heaps as JSON, opened by an API token."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from bugsly.protocol.evidence import Ask
from bugsly_server.clock import Micros
from bugsly_server.errors import Misconfigured, NotFound
from bugsly_server.explained import explanation_of
from bugsly_server.export import error_facts, issue_facts, net_facts, worker_facts
from bugsly_server.model.issue import Issue, State
from bugsly_server.store import post_mortems
from bugsly_server.store.meta import (
    accounts,
    asks,
    errors,
    held_back,
    issues,
    projects,
    workers,
)
from bugsly_server.store.meta.accounts import Account
from bugsly_server.store.ports import Telemetry
from bugsly_server.web.outlook import outlook
from bugsly_server.web.site import site_of

UNKNOWN_TOKEN = {"detail": "token: is unknown → make one on the account page"}
DIGITS = 7
"""A number of requests has fewer."""
MOST_ERRORS = 200
Facts = Callable[[Connection, int, Micros], list[dict[str, Any]]]


def list_workers(request: Request) -> Response:
    """Answer with the living workers of every project, or of `?project=`."""
    return _answer(request, living_workers)


def list_issues(request: Request) -> Response:
    """Answer with the issues that are not resolved, of every project or of `?project=`."""
    return _answer(request, partial(open_issues, telemetry=site_of(request).telemetry))


def ask_for_heap(request: Request) -> Response:
    """Let the heap of a worker be walked, over `?requests=` of it; answer with the ask's id."""
    site, given = site_of(request), request.query_params.get("requests", "0")
    requests = int(given) if given.isascii() and given.isdigit() and len(given) < DIGITS else 0
    with site.database.writing() as connection:
        if token_owner(request, connection, site.clock()) is None:
            return _json(UNKNOWN_TOKEN, 401)
        try:
            key = put_heap(connection, request.path_params["worker_id"], requests, site.clock())
        except NotFound as error:
            return _json({"detail": str(error)}, 404)
        except Misconfigured as error:
            return _json({"detail": str(error)}, 409)
    return _json({"ask": key}, 202)


def show_ask(request: Request) -> Response:
    """Answer with what came of an ask."""
    site = site_of(request)
    with site.database.writing() as connection:
        if token_owner(request, connection, site.clock()) is None:
            return _json(UNKNOWN_TOKEN, 401)
        found = ask_facts(connection, request.path_params["ask_id"])
    return _json(found or {"detail": "ask: is not there → ask anew"}, 200 if found else 404)


def health(_request: Request) -> Response:
    """Answer that the server is up."""
    return Response(b'{"ok":true}', media_type="application/json")


def living_workers(connection: Connection, project_id: int, now: Micros) -> list[dict[str, Any]]:
    """Return the workers of a project that have not ended."""
    return [worker_facts(one, now) for one in workers.living(connection, project_id)]


def open_issues(
    connection: Connection, project_id: int, now: Micros, telemetry: Telemetry
) -> list[dict[str, Any]]:
    """Return the issues of a project that are not resolved: all leaks, and the latest errors.

    First that its safety net is held back, where it is.
    """
    leaks = [one for one in issues.every(connection, project_id) if one.state is not State.RESOLVED]
    found = errors.unresolved(connection, project_id, MOST_ERRORS)
    net = held_back.of_project(connection, project_id)
    nets = [net] if net is not None and net.state is State.OPEN else []
    return [
        *(net_facts(one, issues.story(connection, one.id)[0].change.because) for one in nets),
        *(leak_facts(connection, telemetry, one, now) for one in leaks),
        *(error_facts(one, explanation_of(connection, one)) for one in found),
    ]


def leak_facts(
    connection: Connection, telemetry: Telemetry, leak: Issue, now: Micros
) -> dict[str, Any]:
    """Return all that a program may want to know of a leak."""
    deaths = post_mortems.of_issue(connection, telemetry, leak, now)
    return issue_facts(leak, now, *outlook(connection, telemetry, leak, now), deaths)


def put_heap(connection: Connection, worker_id: int, requests: int, now: Micros) -> int:
    """Ask a worker to have its heap walked over so many *requests*; return the id of the ask.

    Raises `NotFound` for a worker that is not there, `Misconfigured` for one that is busy.
    """
    each = (workers.get(connection, one.id, worker_id) for one in projects.every(connection))
    found = next((one for one in each if one is not None), None)
    if found is None or not found.is_alive(now):
        raise NotFound("worker: is not there, or no longer → see bugsly status")
    asked = asks.add(connection, found, Ask(id=0, probe="heap", requests=requests), now)
    if asked is None:
        raise Misconfigured(
            f"worker: {found.pid}, or another of its project, is being probed"
            " → try again in a few minutes"
        )
    return asked.ask.id


def ask_facts(connection: Connection, ask_id: int) -> dict[str, Any] | None:
    """Return how far an ask has come, and what its heap held; None for an unknown ask."""
    found = asks.outcome(connection, ask_id)
    if found is None:
        return None
    state, answer = found
    return {
        "state": state,
        "problem": "" if answer is None else answer.problem,
        "heap": None if answer is None else msgspec.to_builtins(answer.heap),
    }


def by_project(
    connection: Connection, facts: Facts, slug: str | None, now: Micros
) -> dict[str, list[dict[str, Any]]]:
    """Return *facts* of each project, or of the one called *slug*, by its slug."""
    every = projects.every(connection)
    chosen = [one for one in every if slug is None or one.slug == slug]
    return {one.slug: facts(connection, one.id, now) for one in chosen}


def token_owner(request: Request, connection: Connection, now: Micros) -> Account | None:
    """Return whose API token a request brings; None for one without, or with an unknown one."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return accounts.of_token(connection, secret, now) if scheme.lower() == "bearer" else None


def _answer(request: Request, facts: Facts) -> Response:
    site = site_of(request)
    now = site.clock()
    with site.database.writing() as connection:
        if token_owner(request, connection, now) is None:
            return _json(UNKNOWN_TOKEN, 401)
    with site.database.reading() as connection:
        found = by_project(connection, facts, request.query_params.get("project"), now)
    return _json(found, 200)


def _json(content: object, status: int) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
