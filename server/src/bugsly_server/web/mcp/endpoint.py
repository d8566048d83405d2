"""The MCP endpoint: checks origin, token, rate and size of a request before it is served."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from importlib.util import find_spec

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from bugsly_server.clock import MINUTE, Micros
from bugsly_server.errors import Rejected
from bugsly_server.store.meta.accounts import Account
from bugsly_server.web.api import UNKNOWN_TOKEN_BODY, token_owner
from bugsly_server.web.mcp.caller import Caller
from bugsly_server.web.page_context import server_of
from bugsly_server.web.small_body import read_small_body

MAX_REQUESTS_PER_MINUTE = 120
"""Requests of each account."""
MAX_BODY_BYTES = 64 * 1024
READ_SECONDS = 20.0
REFUSAL_HEADERS = {
    401: {"www-authenticate": "Bearer"},
    405: {"allow": "POST"},
    429: {"retry-after": "60"},
}


class McpEndpoint:
    """Serves each request on its own: there are no sessions.

    A request from a page in a browser is refused by its Origin header, even if DNS rebinding makes
    the page look like ours. A request without a token is refused before its body is read.
    """

    def __init__(self) -> None:
        self._requested_at: defaultdict[int, deque[Micros]] = defaultdict(
            lambda: deque(maxlen=MAX_REQUESTS_PER_MINUTE)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        try:
            _check_request(request)
            caller = await self._authenticate(request)
            body = await _read_body(request)
        except Rejected as refusal:
            content = {"detail": str(refusal)}
            response = JSONResponse(content, refusal.status, REFUSAL_HEADERS.get(refusal.status))
            await response(scope, receive, send)
            return
        await _serve(caller, body, scope, receive, send)

    async def _authenticate(self, request: Request) -> Caller:
        server = server_of(request)
        account = await run_in_threadpool(_token_account, request)
        request_times, now = self._requested_at[account.id], server.clock.steady()
        if len(request_times) == MAX_REQUESTS_PER_MINUTE and now - request_times[0] < MINUTE:
            raise Rejected(
                429,
                f"mcp: got {MAX_REQUESTS_PER_MINUTE} requests in a minute → try again in a minute",
            )
        request_times.append(now)
        url = request.url
        base_url = server.settings.public_url or f"{url.scheme}://{url.netloc}"
        return Caller(server=server, account=account, base_url=base_url)


def _check_request(request: Request) -> None:
    if "origin" in request.headers:
        raise Rejected(403, "mcp: called by a page in a browser → call it from an assistant")
    if request.method != "POST":
        raise Rejected(405, "mcp: nothing is kept between requests → send each as a POST")
    if find_spec("mcp") is None:
        raise Rejected(501, "mcp: is not installed → pip install 'bugsly-server[mcp]'")


def _token_account(request: Request) -> Account:
    account = token_owner(request)
    if account is None:
        raise Rejected(401, UNKNOWN_TOKEN_BODY["detail"])
    return account


async def _read_body(request: Request) -> bytes:
    """Return the body; raise `Rejected` if it is too large or too slow."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            body = await read_small_body(request, MAX_BODY_BYTES)
    except (TimeoutError, ClientDisconnect):
        raise Rejected(408, "mcp: took too long to arrive → send it faster") from None
    if body is None:
        raise Rejected(413, f"mcp: longer than {MAX_BODY_BYTES} bytes → ask for less")
    return body


async def _serve(caller: Caller, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the MCP library answer; the first request imports it, off the event loop."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return unread.pop() if unread else await receive()

    serve = await run_in_threadpool(_load_serve)
    await serve(caller, scope, replay, send)


def _load_serve() -> Callable[[Caller, Scope, Receive, Send], Awaitable[None]]:
    from bugsly_server.web.mcp.protocol_server import serve

    return serve
