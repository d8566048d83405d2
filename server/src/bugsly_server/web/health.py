"""Answers what asks whether the server lives (`/healthz`) and whether it works (`/readyz`)."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from bugsly_server.web.page_context import server_of


async def show_alive(_request: Request) -> Response:
    """Return that the server is up."""
    return Response(b'{"ok":true}', media_type="application/json")


def show_ready(request: Request) -> Response:
    """Return whether the server does its work, and each check; status 503 where it does not."""
    checks = server_of(request).health.checks()
    is_ready = not any(one.problem is not None and one.is_failing for one in checks)
    content = {
        "ready": is_ready,
        "checks": {one.name: {"ok": one.problem is None, "problem": one.problem} for one in checks},
    }
    body = msgspec.json.encode(content)
    return Response(body, 200 if is_ready else 503, media_type="application/json")
