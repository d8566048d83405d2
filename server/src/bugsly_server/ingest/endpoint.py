"""`POST /api/<project>/envelope/`: read, check, make durable, acknowledge. In that order."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.types import Receive, Scope, Send

from bugsly_server.clock import Clock
from bugsly_server.errors import Rejected, Unavailable
from bugsly_server.ingest import accept, limits
from bugsly_server.ingest.auth import Keys, key_in_envelope, key_in_request
from bugsly_server.ingest.body import decompress
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
    """An ASGI application for one route. *skipped* counts what is not kept, by project and why."""

    def __init__(self, keys: Keys, spool: Spool, clock: Clock) -> None:
        self._keys = keys
        self._spool = spool
        self._clock = clock
        self._large = asyncio.Semaphore(limits.LARGE_AT_ONCE)
        self.skipped: Counter[tuple[int, str]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every refusal is one line."""
        if scope["method"] == "OPTIONS":
            await _reply(send, 204, None, PREFLIGHT)
            return
        try:
            extra = await self._take(scope, receive)
        except Rejected as refusal:
            await _refuse(send, refusal.status, str(refusal), ())
        except Unavailable as pause:
            retry = (b"retry-after", str(pause.retry_after).encode())
            await _refuse(send, 503, str(pause), (retry,))
        else:
            event_id, headers = extra
            await _reply(send, 200, {"id": event_id}, headers)

    async def _take(
        self, scope: Scope, receive: Receive
    ) -> tuple[str, tuple[tuple[bytes, bytes], ...]]:
        """Return the id to acknowledge and the reply's headers, once all is durable."""
        if scope["method"] != "POST":
            raise Rejected(405, "method: envelopes are posted → use POST")
        headers = dict(scope["headers"])
        project_id = int(scope["path_params"]["project_id"])
        key = key_in_request(headers, scope["query_string"])
        if key is not None:
            self._keys.check(key, project_id)
        if self._spool.depth() > limits.MAX_SPOOLED:
            raise Unavailable(
                "server: more waits than it can digest → it takes more soon", limits.PAUSE
            )
        received_at = self._clock()
        envelope = accept.read(await self._unpacked(headers, await _body(headers, receive)))
        if key is None:
            self._keys.check(key_in_envelope(envelope.header), project_id)
        accepted = accept.sort(envelope, project_id, received_at)
        if accepted.entries:
            await self._spool.append(accepted.entries)
        for why, amount in accepted.skipped.items():
            self.skipped[project_id, why] += amount
        return _event_id(envelope.header), _limits(accepted.refused)

    async def _unpacked(self, headers: Mapping[bytes, bytes], body: bytes) -> bytes:
        encoding = headers.get(b"content-encoding", b"").decode("latin-1")
        if len(body) <= limits.LARGE_BODY:
            try:
                return decompress(body, encoding, limits.MAX_AT_ONCE)
            except Rejected as refusal:
                if refusal.status != 413:
                    raise
        async with self._large:
            return await asyncio.to_thread(decompress, body, encoding, limits.MAX_DECOMPRESSED)


async def _body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """Return the body, chunked or not, within the bounds of size and time."""
    too_large = Rejected(413, f"body: longer than {limits.MAX_BODY} bytes → send less at a time")
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limits.MAX_BODY:
        raise too_large
    parts, size = [], 0
    try:
        async with asyncio.timeout(limits.READ_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Rejected(400, "body: the client went away before its end")
                part = message.get("body", b"")
                size += len(part)
                if size > limits.MAX_BODY:
                    raise too_large
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise Rejected(408, "body: took too long to arrive → send it faster, or less") from None


def _event_id(header: Mapping[str, Any]) -> str:
    event_id = header.get("event_id")
    return event_id[:36] if isinstance(event_id, str) else ""


def _limits(refused: set[str]) -> tuple[tuple[bytes, bytes], ...]:
    if not refused:
        return CORS
    return (*CORS, (b"x-sentry-rate-limits", accept.rate_limits(refused).encode()))


async def _refuse(
    send: Send, status: int, detail: str, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    line = detail.replace("→", "->").encode("ascii", "replace")
    await _reply(send, status, {"detail": detail}, (*CORS, (b"x-sentry-error", line), *headers))


async def _reply(
    send: Send, status: int, content: object, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    body = b"" if content is None else json.dumps(content, ensure_ascii=False).encode()
    fixed = (
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    )
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})
