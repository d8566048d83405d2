"""The JSON API for programs: workers, issues and heap walks, opened by an API token."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from bugsly.protocol.evidence import ProbeRequest
from bugsly_server.clock import Micros
from bugsly_server.errors import Misconfigured, NotFound
from bugsly_server.explanation_service import explain_issue
from bugsly_server.json_views import (
    error_facts,
    hindrance_facts,
    leak_issue_facts,
    outage_facts,
    worker_facts,
)
from bugsly_server.model.issue import Issue, IssueState
from bugsly_server.store import post_mortems
from bugsly_server.store.meta import (
    accounts,
    error_issues,
    hindrance_issues,
    leak_issues,
    outage_issues,
    probe_requests,
    projects,
    workers,
)
from bugsly_server.store.meta.accounts import Account
from bugsly_server.store.ports import Telemetry
from bugsly_server.web.leak_remedies import leak_remedies
from bugsly_server.web.page_context import server_of

UNKNOWN_TOKEN_BODY = {"detail": "token: is unknown → make one on the account page"}
MAX_REQUESTS_DIGITS = 6
MAX_ERRORS = 200
DESCRIPTION_PATH = Path(__file__).with_name("openapi.json")
FactsReader = Callable[[Connection, int, Micros], list[dict[str, Any]]]


def list_workers(request: Request) -> Response:
    """Return the living workers of every project, or of `?project=`."""
    return _respond_by_project(request, living_workers)


def list_issues(request: Request) -> Response:
    """Return the unresolved issues of every project, or of `?project=`."""
    return _respond_by_project(
        request, partial(open_issues, telemetry=server_of(request).telemetry)
    )


def request_heap_walk(request: Request) -> Response:
    """Request a heap walk of a worker over `?requests=`; return the id of the probe request."""
    server, requests_text = server_of(request), request.query_params.get("requests", "0")
    requests = (
        int(requests_text)
        if requests_text.isascii()
        and requests_text.isdigit()
        and len(requests_text) <= MAX_REQUESTS_DIGITS
        else 0
    )
    if token_owner(request) is None:
        return _json_response(UNKNOWN_TOKEN_BODY, 401)
    with server.database.writing() as connection:
        try:
            request_id = add_heap_request(
                connection, request.path_params["worker_id"], requests, server.clock()
            )
        except NotFound as error:
            return _json_response({"detail": str(error)}, 404)
        except Misconfigured as error:
            return _json_response({"detail": str(error)}, 409)
    return _json_response({"ask": request_id}, 202)


def show_probe_request(request: Request) -> Response:
    """Return the state of a probe request, and its result."""
    if token_owner(request) is None:
        return _json_response(UNKNOWN_TOKEN_BODY, 401)
    with server_of(request).database.reading() as connection:
        facts = probe_request_facts(connection, request.path_params["ask_id"])
    return _json_response(
        facts or {"detail": "ask: does not exist → request a new one"}, 200 if facts else 404
    )


def describe(_request: Request) -> Response:
    """Return the description of what programs may request, in OpenAPI."""
    return FileResponse(DESCRIPTION_PATH, media_type="application/json")


def living_workers(connection: Connection, project_id: int, now: Micros) -> list[dict[str, Any]]:
    """Return the workers of a project that have not ended."""
    return [worker_facts(one, now) for one in workers.list_living(connection, project_id)]


def open_issues(
    connection: Connection, project_id: int, now: Micros, telemetry: Telemetry
) -> list[dict[str, Any]]:
    """Return the unresolved issues of a project: all, but of the errors only the latest."""
    leaks = [
        one
        for one in leak_issues.list_all(connection, project_id)
        if one.state is not IssueState.RESOLVED
    ]
    open_errors = error_issues.list_unresolved(connection, project_id, MAX_ERRORS)
    hindrance = hindrance_issues.get_for_project(connection, project_id)
    hindrances = [hindrance] if hindrance is not None and hindrance.state is IssueState.OPEN else []
    outages = outage_issues.list_open(connection, project_id)
    return [
        *(
            outage_facts(one, leak_issues.history(connection, one.id)[0].change.because)
            for one in outages
        ),
        *(
            hindrance_facts(one, leak_issues.history(connection, one.id)[0].change.because)
            for one in hindrances
        ),
        *(leak_facts(connection, telemetry, one, now) for one in leaks),
        *(error_facts(one, explain_issue(connection, one)) for one in open_errors),
    ]


def leak_facts(
    connection: Connection, telemetry: Telemetry, leak: Issue, now: Micros
) -> dict[str, Any]:
    """Return the JSON of a leak, with its remedies and the workers killed since it opened."""
    killed_workers = post_mortems.of_issue(connection, telemetry, leak, now)
    return leak_issue_facts(
        leak, now, *leak_remedies(connection, telemetry, leak, now), killed_workers
    )


def add_heap_request(connection: Connection, worker_id: int, requests: int, now: Micros) -> int:
    """Request a heap walk of a worker over *requests* requests; return the id of the request.

    Raises `NotFound` for a worker that is not alive, `Misconfigured` for one that is busy.
    """
    candidates = (
        workers.get(connection, one.id, worker_id) for one in projects.list_all(connection)
    )
    worker = next((one for one in candidates if one is not None), None)
    if worker is None or not worker.is_alive(now):
        raise NotFound("worker: does not exist or has ended → see bugsly status")
    added = probe_requests.add(
        connection,
        worker,
        ProbeRequest(id=0, probe="heap", requests=requests, by_hand=True),
        now,
    )
    if added is None:
        raise Misconfigured(
            f"worker: {worker.pid}, or another of its project, is being probed"
            " → try again in a few minutes"
        )
    return added.request.id


def probe_request_facts(connection: Connection, request_id: int) -> dict[str, Any] | None:
    """Return the state of a probe request and its heap snapshot; None for an unknown id."""
    outcome = probe_requests.state_and_result(connection, request_id)
    if outcome is None:
        return None
    state, result = outcome
    return {
        "state": state,
        "problem": "" if result is None else result.problem,
        "heap": None if result is None else msgspec.to_builtins(result.heap),
    }


def facts_by_project(
    connection: Connection, read_facts: FactsReader, slug: str | None, now: Micros
) -> dict[str, list[dict[str, Any]]]:
    """Return the facts of each project by slug, or only of the project *slug*."""
    all_projects = projects.list_all(connection)
    selected = [one for one in all_projects if slug is None or one.slug == slug]
    return {one.slug: read_facts(connection, one.id, now) for one in selected}


def token_owner(request: Request) -> Account | None:
    """Return the owner of a request's API token; None without a known token.

    That it was used is noted where the disk takes it.
    """
    server, now = server_of(request), server_of(request).clock()
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    with server.database.reading() as connection:
        owner = accounts.by_token(connection, secret)
        is_noted = accounts.is_token_use_noted(connection, secret, now)
    if owner is not None and not is_noted:
        with suppress(OperationalError), server.database.writing() as connection:
            accounts.note_token_use(connection, secret, now)
    return owner


def _respond_by_project(request: Request, read_facts: FactsReader) -> Response:
    server = server_of(request)
    now = server.clock()
    if token_owner(request) is None:
        return _json_response(UNKNOWN_TOKEN_BODY, 401)
    with server.database.reading() as connection:
        content = facts_by_project(connection, read_facts, request.query_params.get("project"), now)
    return _json_response(content, 200)


def _json_response(content: object, status: int) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
