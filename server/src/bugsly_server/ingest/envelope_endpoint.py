"""`POST /api/<project>/envelope/`: read, check, make durable, acknowledge. In that order.

`POST /api/<project>/store/` takes one event without an envelope, as old clients send it.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from bugsly.protocol.envelope import Envelope
from bugsly_server.clock import Clock, Micros
from bugsly_server.errors import OverQuota, Rejected, Unavailable
from bugsly_server.ingest import item_sorting, limits
from bugsly_server.ingest.buffer_budget import BufferBudget, TakeBytes
from bugsly_server.ingest.content_encoding import decompress
from bugsly_server.ingest.cors import CORS, PREFLIGHT
from bugsly_server.ingest.item_reader import EnvelopeReading, ItemReader
from bugsly_server.ingest.item_sorting import AcceptedItems
from bugsly_server.ingest.key_in_body import read_key
from bugsly_server.ingest.project_keys import EnvelopeSender, ProjectKeys, key_in_request
from bugsly_server.ingest.project_secret_names import ProjectSecretNames
from bugsly_server.ingest.quota import SDK_SHARE, Pauses, Quota
from bugsly_server.ingest.rate_limit_headers import rate_limit_headers, retry_after
from bugsly_server.ingest.request_body import RequestBody
from bugsly_server.model.project_key import ProjectKey
from bugsly_server.model.worker import hash_secret
from bugsly_server.pending_probe_requests import PendingProbeRequests
from bugsly_server.store.ports import Spool, SpoolEntry

ParseEnvelope = Callable[[bytes], Envelope]
Headers = tuple[tuple[bytes, bytes], ...]

MEMORY_REFUSED = (
    "memory: it came with an SDK key, which everybody may know"
    " → report memory to the DSN of an agent key; the set-up page shows it"
)
ALLOW = (b"allow", b"POST, OPTIONS")
CONNECTION_CLOSE = (b"connection", b"close")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestPolicy:
    """Who may send, how much, and which secrets are removed."""

    keys: ProjectKeys
    quota: Quota
    secret_names: ProjectSecretNames
    is_disk_short: Callable[[], bool]


class EnvelopeEndpoint:
    """An ASGI application for the two routes.

    *skipped* counts what is not kept, by project and reason, *kept_bytes* what is, by project. They
    only grow, so that another thread can compute what was added since it last looked.
    """

    def __init__(
        self,
        policy: IngestPolicy,
        spool: Spool,
        pending_requests: PendingProbeRequests,
        clock: Clock,
    ) -> None:
        self._policy = policy
        self._buffer_budget = BufferBudget(limits.MAX_BUFFERED_BYTES, limits.PAUSE_SECONDS)
        self._spool = spool
        self._pending_requests = pending_requests
        self._clock = clock
        self._reader = ItemReader()
        self._large_bodies = asyncio.Semaphore(limits.MAX_CONCURRENT_LARGE_BODIES)
        self.skipped: Counter[tuple[int, str]] = Counter()
        self.kept_bytes: Counter[int] = Counter()

    def close(self) -> None:
        """End the processes that read items."""
        self._reader.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; every refusal is one line."""
        if scope["method"] == "OPTIONS":
            await _reply(send, 204, None, PREFLIGHT)
            return
        headers = dict(scope["headers"])
        body = RequestBody(receive, headers.get(b"content-length", b""))
        try:
            with self._buffer_budget.reservation() as take_bytes:
                reply, reply_headers = await self._handle(scope, headers, body, take_bytes)
        except Rejected as refusal:
            extra_headers = (ALLOW,) if refusal.status == 405 else ()
            await _refuse(send, body, refusal.status, str(refusal), extra_headers)
        except OverQuota as error:
            rate_headers = (
                retry_after(error.retry_after),
                *error.headers,
            )
            await _refuse(send, body, 429, str(error), rate_headers)
        except Unavailable as error:
            await _refuse(send, body, 503, str(error), (retry_after(error.retry_after),))
        else:
            await _reply(send, 200, reply, reply_headers)

    async def _handle(
        self,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        body: RequestBody,
        take_bytes: TakeBytes,
    ) -> tuple[dict[str, object], Headers]:
        """Return the reply and its headers, once everything is durable."""
        if scope["method"] != "POST":
            raise Rejected(405, "method: envelopes are posted → use POST")
        encoding = headers.get(b"content-encoding", b"").decode("latin-1")
        project_id = _project_id(scope["path_params"]["project_id"])
        is_store_request = scope["path"].endswith("/store/")
        key = key_in_request(headers, scope["query_string"])
        if key is None and not is_store_request:
            key = await read_key(body, encoding)
        origin = headers.get(b"origin", b"").decode("latin-1") or None
        known_key = await self._policy.keys.check(key, project_id, origin)
        self._check_room()
        received = await body.read(take_bytes)
        received_at = self._clock()
        parse = item_sorting.read_store_request if is_store_request else item_sorting.read_envelope
        envelope = await self._read_envelope(encoding, received, take_bytes, parse)
        sender = EnvelopeSender(known_key, hash_secret(envelope.header.get("secret")))
        return await self._keep(envelope, sender, received_at)

    async def _keep(
        self, envelope: Envelope, sender: EnvelopeSender, received_at: Micros
    ) -> tuple[dict[str, object], Headers]:
        """Make durable what is kept of *envelope*; return the reply and its headers."""
        quota, key = self._policy.quota, sender.key
        share = 1.0 if sender.is_agent else SDK_SHARE
        pauses = quota.pauses(key.project_id, key.public, share, received_at)
        if "event" not in pauses.refused_types:
            quota.add_events(key.project_id, _count_events(envelope), received_at)
        accepted = await item_sorting.sort_items(
            envelope,
            self._reading(envelope, key.project_id, received_at),
            sender,
            pauses.refused_types,
        )
        await self._store(accepted, sender, received_at)
        if not accepted.payloads:
            _refuse_unkept(accepted, pauses)
        self._count_kept(accepted, key, received_at)
        hit = pauses if accepted.over_quota else Pauses()
        return self._reply(envelope, sender, accepted), (
            *CORS,
            *rate_limit_headers(accepted.refused_categories, hit),
        )

    def _check_room(self) -> None:
        """Raise `Unavailable` where nothing more can be taken in now."""
        if self._spool.depth() > limits.MAX_SPOOLED_ENTRIES:
            raise Unavailable(
                "server: more waits than it can digest → it takes more soon", limits.PAUSE_SECONDS
            )
        if self._policy.is_disk_short():
            raise Unavailable(
                "server: its disk is almost full"
                " → send it again later; it is taken once there is room on the server's disk"
            )

    def _reading(self, envelope: Envelope, project_id: int, received_at: Micros) -> EnvelopeReading:
        secret_names = self._policy.secret_names.of_project(project_id, received_at)
        return EnvelopeReading(self._reader, envelope, project_id, received_at, secret_names)

    def _reply(
        self, envelope: Envelope, sender: EnvelopeSender, accepted: AcceptedItems
    ) -> dict[str, object]:
        """Return the reply, with the probe requests for the worker that the sender proved to be."""
        reply: dict[str, object] = {"id": accepted.event_id or _event_id(envelope.header)}
        if accepted.refuses_memory:
            reply["refused"] = MEMORY_REFUSED
        if sender.is_agent:
            requests = self._pending_requests.take(
                sender.key.project_id, envelope.header.get("worker"), sender.secret_hash
            )
            if requests:
                reply["ask"] = [asdict(one.request) for one in requests]
        return reply

    async def _store(
        self, accepted: AcceptedItems, sender: EnvelopeSender, received_at: Micros
    ) -> None:
        """Return once what is kept is durable, and what is not is counted."""
        project_id = sender.key.project_id
        if accepted.payloads:
            await self._spool.append(
                [
                    SpoolEntry(
                        project_id,
                        received_at,
                        kind,
                        payload,
                        secret_hash=sender.secret_hash if kind == "memory" else None,
                    )
                    for kind, payload in accepted.payloads
                ]
            )
        for why, amount in accepted.skipped.items():
            self.skipped[project_id, why] += amount

    def _count_kept(self, accepted: AcceptedItems, key: ProjectKey, received_at: Micros) -> None:
        size = sum(len(payload) for _, payload in accepted.payloads)
        reports = sum(kind == "memory" for kind, _ in accepted.payloads)
        self.kept_bytes[key.project_id] += size
        self._policy.quota.add_kept(key.project_id, key.public, reports, size, received_at)

    async def _read_envelope(
        self,
        encoding: str,
        body: bytes,
        take_bytes: TakeBytes,
        parse: ParseEnvelope,
    ) -> Envelope:
        """Return the envelope in *body*; a large one is unpacked on a thread."""

        def unpack(max_bytes: int) -> Envelope:
            unpacked = decompress(body, encoding, max_bytes)
            take_bytes(len(unpacked))
            return parse(unpacked)

        if len(body) <= limits.MAX_INLINE_BODY_BYTES:
            try:
                return unpack(limits.MAX_INLINE_UNPACKED_BYTES)
            except Rejected as refusal:
                if refusal.status != 413:
                    raise
        async with self._large_bodies:
            return await asyncio.to_thread(unpack, limits.MAX_UNPACKED_BYTES)


def _count_events(envelope: Envelope) -> int:
    """Return how many events were sent; they count before they are read, however many come."""
    return sum(item.type == "event" for item in envelope.items)


def _refuse_unkept(accepted: AcceptedItems, pauses: Pauses) -> None:
    """Refuse an envelope of which nothing is kept, where a limit is why."""
    if accepted.refuses_memory:
        raise Rejected(403, MEMORY_REFUSED)
    if accepted.over_quota:
        raise OverQuota(
            "quota: more than this project may send → raise it, or wait",
            pauses.longest,
            rate_limit_headers(accepted.refused_categories, pauses),
        )
    if accepted.too_expensive:
        raise Rejected(
            413, "items: take too long to read, or too much memory → send less at a time"
        )


def _project_id(text: str) -> int:
    """Return the number in the path; where there is none, 0, which no project has."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _event_id(header: Mapping[str, Any]) -> str:
    event_id = header.get("event_id")
    return event_id[:36] if isinstance(event_id, str) else ""


async def _refuse(
    send: Send, body: RequestBody, status: int, detail: str, headers: Headers
) -> None:
    """Refuse in one line, once the body is drained; close on a client that keeps sending."""
    if status != 408:
        await body.drain()
    closing = () if body.is_read else (CONNECTION_CLOSE,)
    line = detail.replace("→", "->").encode("ascii", "replace")
    all_headers = (*CORS, (b"x-sentry-error", line), *headers, *closing)
    await _reply(send, status, {"detail": detail}, all_headers)


async def _reply(send: Send, status: int, content: object, headers: Headers) -> None:
    body = b"" if content is None else json.dumps(content).encode()
    fixed = (
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    )
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})
