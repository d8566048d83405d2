"""`POST /api/<project>/envelope/`: read, check, make durable, acknowledge. In that order."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.types import Receive, Scope, Send

from bugsly.protocol.envelope import Envelope
from bugsly_server.clock import Clock
from bugsly_server.errors import Rejected, Unavailable
from bugsly_server.ingest import accept, limits
from bugsly_server.ingest.auth import Keys, key_in_envelope, key_in_request
from bugsly_server.ingest.body import Body
from bugsly_server.ingest.encoding import decompress
from bugsly_server.ingest.room import Room, Take
from bugsly_server.mailbox import Mailbox
from bugsly_server.store.ports import Spool

ALLOWED_HEADERS = (
    b"x-sentry-auth",
    b"x-requested-with",
    b"x-forwarded-for",
    b"origin",
    b"referer",
    b"accept",
    b"content-type",
    b"authentication",
    b"authorization",
    b"content-encoding",
    b"transfer-encoding",
    b"sentry-trace",
    b"baggage",
)
Headers = tuple[tuple[bytes, bytes], ...]

ALLOW = (b"allow", b"POST, OPTIONS")
HANG_UP = (b"connection", b"close")
CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-sentry-error, x-sentry-rate-limits, retry-after"),
)
PREFLIGHT = (
    *CORS,
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (
        b"access-control-allow-headers",
        b", ".join(ALLOWED_HEADERS),
    ),
    (b"access-control-max-age", b"3600"),
)


class EnvelopeEndpoint:
    """An ASGI application for one route. *skipped* counts what is not kept, by project and why.

    It only ever grows, so that another thread can tell what has come since it looked last.
    """

    def __init__(self, keys: Keys, spool: Spool, mailbox: Mailbox, clock: Clock) -> None:
        self._room = Room(limits.MAX_HELD, limits.PAUSE)
        self._keys = keys
        self._spool = spool
        self._mailbox = mailbox
        self._clock = clock
        self._large = asyncio.Semaphore(limits.LARGE_AT_ONCE)
        self.skipped: Counter[tuple[int, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every refusal is one line."""
        if scope["method"] == "OPTIONS":
            await _reply(send, 204, None, PREFLIGHT)
            return
        body = Body(receive)
        try:
            with self._room.guest() as take:
                told, headers = await self._take(scope, body, take)
        except Rejected as refusal:
            more = (ALLOW,) if refusal.status == 405 else ()
            await _refuse(send, body, refusal.status, str(refusal), more)
        except Unavailable as pause:
            retry = (b"retry-after", str(pause.retry_after).encode())
            await _refuse(send, body, 503, str(pause), (retry,))
        else:
            await _reply(send, 200, told, headers)

    async def _take(
        self, scope: Scope, body: Body, take: Take
    ) -> tuple[dict[str, object], Headers]:
        """Return what to reply, and the reply's headers, once all is durable."""
        if scope["method"] != "POST":
            raise Rejected(405, "method: envelopes are posted → use POST")
        headers = dict(scope["headers"])
        project_id = _project_id(scope["path_params"]["project_id"])
        key = key_in_request(headers, scope["query_string"])
        if key is not None:
            await self._keys.check(key, project_id)
        if self._spool.depth() > limits.MAX_SPOOLED:
            raise Unavailable(
                "server: more waits than it can digest → it takes more soon", limits.PAUSE
            )
        received = await body.read(headers.get(b"content-length", b""), take)
        received_at = self._clock()
        envelope = await self._read(headers, received, take)
        if key is None:
            await self._keys.check(key_in_envelope(envelope.header), project_id)
        accepted = accept.sort(envelope, project_id, received_at)
        if accepted.entries:
            await self._spool.append(accepted.entries)
        for why, amount in accepted.skipped.items():
            self.skipped[project_id, why] += amount
        told: dict[str, object] = {"id": _event_id(envelope.header)}
        asked = self._mailbox.take(project_id, envelope.header.get("worker"))
        if asked:
            told["ask"] = [asdict(one.ask) for one in asked]
        return told, _limits(accepted.refused)

    async def _read(self, headers: Mapping[bytes, bytes], body: bytes, take: Take) -> Envelope:
        """Return the envelope in *body*; what takes long is done on a thread."""
        encoding = headers.get(b"content-encoding", b"").decode("latin-1")

        def read(most: int) -> Envelope:
            unpacked = decompress(body, encoding, most)
            take(len(unpacked))
            return accept.read(unpacked)

        if len(body) <= limits.LARGE_BODY:
            try:
                return read(limits.MAX_AT_ONCE)
            except Rejected as refusal:
                if refusal.status != 413:
                    raise
        async with self._large:
            return await asyncio.to_thread(read, limits.MAX_DECOMPRESSED)


def _project_id(text: str) -> int:
    """Return the number in the path; 0, which no project has, where there is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _event_id(header: Mapping[str, Any]) -> str:
    event_id = header.get("event_id")
    return event_id[:36] if isinstance(event_id, str) else ""


def _limits(refused: set[str]) -> Headers:
    if not refused:
        return CORS
    return (*CORS, (b"x-sentry-rate-limits", accept.rate_limits(refused).encode()))


async def _refuse(send: Send, body: Body, status: int, detail: str, headers: Headers) -> None:
    """Refuse in one line, after what is left of the body; hang up on a client that goes on."""
    if status != 408:
        await body.drain()
    closing = () if body.is_read else (HANG_UP,)
    line = detail.replace("→", "->").encode("ascii", "replace")
    told = (*CORS, (b"x-sentry-error", line), *headers, *closing)
    await _reply(send, status, {"detail": detail}, told)


async def _reply(send: Send, status: int, content: object, headers: Headers) -> None:
    body = b"" if content is None else json.dumps(content).encode()
    fixed = (
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    )
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})
