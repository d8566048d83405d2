"""Sorts the items of an envelope into those that are kept and those that are counted."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass, field

from bugsly.protocol.envelope import Envelope, EnvelopeItem, InvalidEnvelope, parse_envelope
from bugsly_server.errors import Rejected
from bugsly_server.ingest import limits
from bugsly_server.ingest.content_encoding import decompress
from bugsly_server.ingest.item_reader import EnvelopeReading
from bugsly_server.ingest.item_reading import ReadItem
from bugsly_server.ingest.project_keys import EnvelopeSender

CATEGORY_BY_ITEM_TYPE = {
    "transaction": "transaction",
    "span": "span",
    "profile": "profile",
    "profile_chunk": "profile_chunk",
    "replay_event": "replay",
    "replay_recording": "replay",
    "replay_video": "replay",
    "log": "log_item",
    "check_in": "monitor",
    "attachment": "attachment",
    "feedback": "feedback",
}
"""Categories an SDK may be asked to stop sending. Neither errors nor `default` are among them: an
empty category would silence the SDK altogether. Nor are metrics: some of them are of memory."""

COUNTED_ITEM_TYPES = {
    *CATEGORY_BY_ITEM_TYPE,
    "statsd",
    "metric_buckets",
    "user_report",
    "raw_security",
}
"""A client may invent any number of other names."""


MAX_BYTES_BY_TYPE = {
    "memory": limits.MAX_MEMORY_ITEM_BYTES,
    "event": limits.MAX_EVENT_ITEM_BYTES,
    "trace_metric": limits.MAX_METRICS_ITEM_BYTES,
    "client_report": limits.MAX_SMALL_ITEM_BYTES,
    "session": limits.MAX_SMALL_ITEM_BYTES,
    "sessions": limits.MAX_SMALL_ITEM_BYTES,
}
"""Of an item of each type that is read."""


UNREAD_TYPES = frozenset({"memory", "session", "sessions"})
"""Of items that are kept as they are."""


@dataclass(slots=True)
class AcceptedItems:
    """What is kept of an envelope, and how much of each kind is not."""

    payloads: list[tuple[str, bytes]] = field(default_factory=list)
    """Each with its kind, as the spool has it."""
    skipped: Counter[str] = field(default_factory=Counter)
    refused_categories: set[str] = field(default_factory=set)
    """Categories that the client is asked not to send for a while."""
    event_id: str = ""
    """Of the last event that is kept; empty where none is."""
    refuses_memory: bool = False
    """Whether memory came with a key that may not send it."""
    over_quota: int = 0
    """Events that are not kept because the project sent too many."""
    too_expensive: int = 0
    """Items that are not kept because reading them takes too long."""

    def add_read(self, item_type: str, read: ReadItem | None, sender: EnvelopeSender) -> None:
        """Add what came of an item of *item_type*; None where it took too long to read."""
        if read is None:
            self.too_expensive += 1
            self.skipped[f"{item_type} item that takes too long to read, or too much memory"] += 1
            return
        self.add("event" if item_type == "event" else "memory", read.payloads, sender)
        self.skipped.update(read.skipped)
        self.event_id = read.event_id or self.event_id

    def add(self, kind: str, payloads: list[bytes], sender: EnvelopeSender) -> None:
        """Add *payloads*, unless they are of memory and came with a key that may not send it."""
        if kind != "memory" or sender.is_agent:
            self.payloads += [(kind, payload) for payload in payloads]
        elif payloads:
            self.refuses_memory = True
            self.skipped["memory sent with an SDK key, needs an agent key"] += len(payloads)


def read_envelope(body: bytes) -> Envelope:
    """Return the envelope in *body*; raise `Rejected` for one that cannot be read."""
    try:
        return parse_envelope(body)
    except InvalidEnvelope as error:
        raise Rejected(
            400, f"envelope: {error} → check the client, or a proxy on the way"
        ) from None


def read_store_request(body: bytes) -> Envelope:
    """Return an envelope around what is posted to `/store/`, one event without an envelope.

    Old clients compress it with zlib and encode that in base64.
    """
    if body[:1] not in b"{ \t\r\n":
        try:
            body = decompress(
                base64.b64decode(body, validate=True), "deflate", limits.MAX_INLINE_UNPACKED_BYTES
            )
        except ValueError:
            raise Rejected(400, "event: neither JSON nor base64 → check the client") from None
    return Envelope({}, (EnvelopeItem("event", {}, body),))


async def sort_items(
    envelope: Envelope, reading: EnvelopeReading, sender: EnvelopeSender, *, is_over_quota: bool
) -> AcceptedItems:
    """Return what to keep of *envelope* and what is skipped; no events where *is_over_quota*."""
    accepted = AcceptedItems()
    if envelope.beyond:
        accepted.skipped["item beyond the 100 of one envelope"] += envelope.beyond
    for item in envelope.items:
        max_bytes = MAX_BYTES_BY_TYPE.get(item.type)
        if max_bytes is None:
            _skip(item, accepted)
        elif len(item.payload) > max_bytes:
            accepted.skipped[f"{item.type} item that is too large"] += 1
        elif item.type == "event" and is_over_quota:
            accepted.over_quota += 1
            accepted.skipped["event over the quota"] += 1
        elif item.type in UNREAD_TYPES:
            accepted.add(item.type, [item.payload], sender)
        else:
            accepted.add_read(item.type, await reading.read(item), sender)
    return accepted


def _skip(item: EnvelopeItem, accepted: AcceptedItems) -> None:
    name = item.type if item.type in COUNTED_ITEM_TYPES else "nobody knows"
    accepted.skipped[f"item of type {name}, not kept"] += 1
    category = CATEGORY_BY_ITEM_TYPE.get(item.type)
    if category is not None:
        accepted.refused_categories.add(category)
