"""Answers `POST /api/v1/erase`: erases a person for a program that has an API token."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from bugsly_server.errors import BugslyError, Misconfigured, NotFound
from bugsly_server.model.identity import MAX_LENGTH, Identity
from bugsly_server.store.meta import projects
from bugsly_server.web.api import UNKNOWN_TOKEN_BODY, token_owner
from bugsly_server.web.page_context import ServerContext, server_of
from bugsly_server.web.small_body import read_small_body

MAX_BODY_BYTES = 4_096


class ErasureRequest(Struct, forbid_unknown_fields=True, frozen=True):
    """Whom to erase from which project."""

    project: str
    user: Annotated[str, Meta(max_length=MAX_LENGTH)]


async def erase_user(request: Request) -> Response:
    """Erase a person, and return how many rows of each kind that were."""
    server = server_of(request)
    if await run_in_threadpool(token_owner, request) is None:
        return _json_response(UNKNOWN_TOKEN_BODY, 401)
    try:
        wanted = msgspec.json.decode(await _small_body(request), type=ErasureRequest)
        return _json_response(await run_in_threadpool(_erase, server, wanted), 200)
    except (BugslyError, msgspec.MsgspecError) as problem:
        return _json_response({"detail": str(problem)}, 422)


def _erase(server: ServerContext, wanted: ErasureRequest) -> object:
    with server.database.reading() as connection:
        project = projects.by_slug(connection, wanted.project)
    if project is None:
        raise NotFound(f"project: {wanted.project!r} does not exist → see bugsly status")
    return server.erase(project.id, Identity(wanted.user))


async def _small_body(request: Request) -> bytes:
    body = await read_small_body(request, MAX_BODY_BYTES)
    if body is None:
        raise Misconfigured(f"body: longer than {MAX_BODY_BYTES} bytes → send one person")
    return body


def _json_response(content: object, status: int) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
