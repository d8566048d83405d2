"""The address of assistants: who may ask, how often, and how much at a time."""

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
from bugsly_server.web.api import UNKNOWN_TOKEN, token_owner
from bugsly_server.web.mcp.caller import Caller
from bugsly_server.web.site import Site, site_of

MOST_A_MINUTE = 120
"""Requests of one account."""
LONGEST = 64 * 1024
READ_SECONDS = 20.0
HEADERS = {401: {"www-authenticate": "Bearer"}, 405: {"allow": "POST"}, 429: {"retry-after": "60"}}


class McpEndpoint:
    """Answers each request by itself: there are no sessions.

    A page that a browser shows is refused by its Origin, also where DNS was rebound and the page
    seems to be our own; and a request without a token is refused before its body is read.
    """

    def __init__(self) -> None:
        self._asked: defaultdict[int, deque[Micros]] = defaultdict(
            lambda: deque(maxlen=MOST_A_MINUTE)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            _check(request)
            caller = await self._caller(request)
            body = await _read(request)
        except Rejected as refusal:
            content = {"detail": str(refusal)}
            answer = JSONResponse(content, refusal.status, HEADERS.get(refusal.status))
            await answer(scope, receive, send)
            return
        await _answer(caller, body, scope, receive, send)

    async def _caller(self, request: Request) -> Caller:
        site = site_of(request)
        account = await run_in_threadpool(_account, request, site)
        asked, now = self._asked[account.id], site.clock()
        if len(asked) == MOST_A_MINUTE and now - asked[0] < MINUTE:
            raise Rejected(429, f"mcp: asked {MOST_A_MINUTE} times in a minute → ask again later")
        asked.append(now)
        url = request.url
        address = site.settings.public_url or f"{url.scheme}://{url.netloc}"
        return Caller(site=site, account=account, address=address)


def _check(request: Request) -> None:
    if "origin" in request.headers:
        raise Rejected(403, "mcp: asked by a page in a browser → ask from an assistant")
    if request.method != "POST":
        raise Rejected(405, "mcp: nothing is kept between requests → send each as a POST")
    if find_spec("mcp") is None:
        raise Rejected(501, "mcp: is not installed → pip install 'bugsly-server[mcp]'")


def _account(request: Request, site: Site) -> Account:
    with site.database.writing() as connection:
        account = token_owner(request, connection, site.clock())
    if account is None:
        raise Rejected(401, UNKNOWN_TOKEN["detail"])
    return account


async def _read(request: Request) -> bytes:
    """Return the body, within bounds of size and time."""
    body = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > LONGEST:
                    raise Rejected(413, f"mcp: longer than {LONGEST} bytes → ask for less")
    except (TimeoutError, ClientDisconnect):
        raise Rejected(408, "mcp: took too long to arrive → send it faster") from None
    return bytes(body)


async def _answer(caller: Caller, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the library answer; it is imported by the first request, apart from the event loop."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return unread.pop() if unread else await receive()

    serve = await run_in_threadpool(_library)
    await serve(caller, scope, replay, send)


def _library() -> Callable[[Caller, Scope, Receive, Send], Awaitable[None]]:
    from bugsly_server.web.mcp.library import serve

    return serve
