"""`POST /api/<project>/envelope/`: read, check, make durable, acknowledge. In that order.

`POST /api/<project>/store/` takes one event without an envelope, as clients of old send it.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from bugsly.protocol.envelope import Envelope
from bugsly_server.clock import Clock, Micros
from bugsly_server.errors import OverQuota, Rejected, Unavailable
from bugsly_server.ingest import accept, limits
from bugsly_server.ingest.accept import Accepted
from bugsly_server.ingest.auth import Keys, key_in_envelope, key_in_request
from bugsly_server.ingest.body import Body
from bugsly_server.ingest.encoding import decompress
from bugsly_server.ingest.quota import Quota
from bugsly_server.ingest.room import Room, Take
from bugsly_server.ingest.scrubbers import Scrubbers
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
Parse = Callable[[bytes], Envelope]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Who may send, how much, and what of it is secret."""

    keys: Keys
    quota: Quota
    scrubbers: Scrubbers


class EnvelopeEndpoint:
    """An ASGI application for the two routes.

    *skipped* counts what is not kept, by project and why. It only ever grows, so that another
    thread can tell what has come since it looked last.
    """

    def __init__(self, gate: Gate, spool: Spool, mailbox: Mailbox, clock: Clock) -> None:
        self._gate = gate
        self._room = Room(limits.MAX_HELD, limits.PAUSE)
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
        except OverQuota as pause:
            paused = (_retry(pause.retry_after), *_limits(pause.refused, pause.retry_after))
            await _refuse(send, body, 429, str(pause), paused)
        except Unavailable as pause:
            await _refuse(send, body, 503, str(pause), (_retry(pause.retry_after),))
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
            await self._gate.keys.check(key, project_id)
        if self._spool.depth() > limits.MAX_SPOOLED:
            raise Unavailable(
                "server: more waits than it can digest → it takes more soon", limits.PAUSE
            )
        received = await body.read(headers.get(b"content-length", b""), take)
        received_at = self._clock()
        parse = accept.read_alone if scope["path"].endswith("/store/") else accept.read
        envelope = await self._read(headers, received, take, parse)
        if key is None:
            await self._gate.keys.check(key_in_envelope(envelope.header), project_id)
        accepted, pause = await self._sort(envelope, project_id, received_at)
        await self._keep(accepted, project_id, pause)
        told: dict[str, object] = {"id": accepted.event_id or _event_id(envelope.header)}
        asked = self._mailbox.take(project_id, envelope.header.get("worker"))
        if asked:
            told["ask"] = [asdict(one.ask) for one in asked]
        return told, (*CORS, *_limits(accepted.refused, pause if accepted.over else 0))

    async def _keep(self, accepted: Accepted, project_id: int, pause: int) -> None:
        """Return once all that is kept is durable; raise where all of it is over quota."""
        if accepted.entries:
            await self._spool.append(accepted.entries)
        for why, amount in accepted.skipped.items():
            self.skipped[project_id, why] += amount
        if accepted.over and not accepted.entries:
            raise OverQuota(
                "events: more than this project may send → raise its quota, or wait",
                pause,
                accepted.refused,
            )

    async def _sort(
        self, envelope: Envelope, project_id: int, received_at: Micros
    ) -> tuple[Accepted, int]:
        """Return what is kept of *envelope*, and for how long no events are taken, in seconds."""
        gate = self._gate
        pause = gate.quota.pause(project_id, received_at)
        scrubber = None if pause else gate.scrubbers.of(project_id, received_at)
        large = sum(len(item.payload) for item in envelope.items) > limits.LARGE_BODY
        wanted = (envelope, project_id, received_at, scrubber)
        async with self._large if large else nullcontext():
            accepted = (
                await asyncio.to_thread(accept.sort, *wanted) if large else accept.sort(*wanted)
            )
        gate.quota.spend(project_id, accepted.events, received_at)
        return accepted, pause

    async def _read(
        self, headers: Mapping[bytes, bytes], body: bytes, take: Take, parse: Parse
    ) -> Envelope:
        """Return the envelope in *body*; what takes long is done on a thread."""
        encoding = headers.get(b"content-encoding", b"").decode("latin-1")

        def read(most: int) -> Envelope:
            unpacked = decompress(body, encoding, most)
            take(len(unpacked))
            return parse(unpacked)

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


def _limits(refused: set[str], pause: int) -> Headers:
    """Return the header that tells an SDK what not to send; *pause* is for errors, seconds."""
    if not refused and not pause:
        return ()
    return ((b"x-sentry-rate-limits", accept.rate_limits(refused, pause).encode()),)


def _retry(seconds: int) -> tuple[bytes, bytes]:
    return (b"retry-after", str(seconds).encode())


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
