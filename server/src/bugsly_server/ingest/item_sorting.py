"""Sorts the items of an envelope into those that are kept and those that are counted."""

from __future__ import annotations

import base64
from collections import Counter
from dataclasses import dataclass, field

from bugsly.protocol.envelope import Envelope, EnvelopeItem, InvalidEnvelope, parse_envelope
from bugsly_server.clock import Micros
from bugsly_server.errors import Rejected
from bugsly_server.ingest import limits
from bugsly_server.ingest.content_encoding import decompress
from bugsly_server.ingest.event_intake import count_discarded, scrub_event
from bugsly_server.ingest.memory_gauges import reports_from_gauges
from bugsly_server.ingest.project_keys import EnvelopeSender
from bugsly_server.scrub.scrubber import Scrubber
from bugsly_server.store.ports import SpoolEntry

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


MEMORY_ITEM_TYPES = ("memory", "trace_metric")
MAX_BYTES_BY_TYPE = {
    "memory": limits.MAX_MEMORY_ITEM_BYTES,
    "event": limits.MAX_EVENT_ITEM_BYTES,
    "trace_metric": limits.MAX_METRICS_ITEM_BYTES,
    "client_report": limits.MAX_SMALL_ITEM_BYTES,
    "session": limits.MAX_SMALL_ITEM_BYTES,
    "sessions": limits.MAX_SMALL_ITEM_BYTES,
}
"""Of an item of each type that is read."""


@dataclass(slots=True)
class AcceptedItems:
    """What is kept of an envelope, and how much of each kind is not."""

    entries: list[SpoolEntry] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    refused_categories: set[str] = field(default_factory=set)
    """Categories that the client is asked not to send for a while."""
    event_count: int = 0
    event_id: str = ""
    """Of the last event that is kept; empty where none is."""
    refuses_memory: bool = False
    """Whether memory came with a key that may not send it."""
    over_quota: int = 0
    """Events that are not kept because the project sent too many."""


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


def sort_items(
    envelope: Envelope, sender: EnvelopeSender, received_at: Micros, scrubber: Scrubber | None
) -> AcceptedItems:
    """Return what to keep of *envelope* and what is skipped.

    *scrubber* removes the secrets of events; without one they are over quota.
    """
    project_id = sender.key.project_id
    accepted = AcceptedItems()
    if envelope.beyond:
        accepted.skipped["item beyond the 100 of one envelope"] += envelope.beyond
    for item in envelope.items:
        max_bytes = MAX_BYTES_BY_TYPE.get(item.type)
        if max_bytes is None:
            _skip(item, accepted)
        elif len(item.payload) > max_bytes:
            accepted.skipped[f"{item.type} item that is too large"] += 1
        elif item.type == "client_report":
            count_discarded(item.payload, accepted.skipped)
        elif item.type in MEMORY_ITEM_TYPES:
            _add_memory(item, sender, received_at, accepted)
        elif payload := _payload_to_keep(item, envelope, scrubber, accepted):
            accepted.entries.append(SpoolEntry(project_id, received_at, item.type, payload))
    return accepted


def _add_memory(
    item: EnvelopeItem, sender: EnvelopeSender, received_at: Micros, accepted: AcceptedItems
) -> None:
    """Keep the memory that *item* reports, unless it came with a key that may not send it."""
    reports = (
        [item.payload]
        if item.type == "memory"
        else reports_from_gauges(item.payload, received_at, accepted.skipped)
    )
    if sender.is_agent:
        project_id, secret_hash = sender.key.project_id, sender.secret_hash
        accepted.entries += [
            SpoolEntry(project_id, received_at, "memory", one, secret_hash=secret_hash)
            for one in reports
        ]
    elif reports:
        accepted.refuses_memory = True
        accepted.skipped["memory sent with an SDK key, needs an agent key"] += len(reports)


def _payload_to_keep(
    item: EnvelopeItem, envelope: Envelope, scrubber: Scrubber | None, accepted: AcceptedItems
) -> bytes:
    """Return what to keep of an item; empty for an event that is not kept."""
    if item.type != "event":
        return item.payload
    if scrubber is None:
        accepted.over_quota += 1
        accepted.skipped["event over the quota"] += 1
        return b""
    event = scrub_event(item.payload, envelope.header, scrubber, accepted.skipped)
    if event is None:
        return b""
    accepted.event_count += 1
    accepted.event_id = event.id
    return event.payload


def _skip(item: EnvelopeItem, accepted: AcceptedItems) -> None:
    name = item.type if item.type in COUNTED_ITEM_TYPES else "nobody knows"
    accepted.skipped[f"item of type {name}, not kept"] += 1
    category = CATEGORY_BY_ITEM_TYPE.get(item.type)
    if category is not None:
        accepted.refused_categories.add(category)
