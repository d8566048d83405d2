"""Sorts the items of an envelope into what is kept and what is not, and says so in the reply."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bugsly.protocol.envelope import Envelope, InvalidEnvelope, Item, parse_envelope
from bugsly_server.clock import Micros
from bugsly_server.errors import Rejected
from bugsly_server.ingest import limits
from bugsly_server.ingest.encoding import decompress
from bugsly_server.ingest.event import count_reported, take_event
from bugsly_server.ingest.gauges import take_gauges
from bugsly_server.scrub.scrub import Scrubber
from bugsly_server.store.ports import Entry

REFUSED_FOR = 3600
CATEGORY_OF = {
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
"""What an SDK may be told to stop sending. Errors are not among it, nor `default`: an empty
category would silence the SDK altogether. Nor are metrics: some of them tell of memory."""

COUNTED_BY_NAME = {*CATEGORY_OF, "statsd", "metric_buckets", "user_report", "raw_security"}
"""Other names are the client's to invent, without end."""


LARGEST = {
    "memory": limits.MAX_MEMORY_ITEM,
    "event": limits.MAX_EVENT_ITEM,
    "trace_metric": limits.MAX_METRICS_ITEM,
    "client_report": limits.MAX_SMALL_ITEM,
    "session": limits.MAX_SMALL_ITEM,
    "sessions": limits.MAX_SMALL_ITEM,
}
"""Bytes of an item of each type that is read."""


@dataclass(slots=True)
class Accepted:
    """What of an envelope is kept, and how much of each kind is not."""

    entries: list[Entry] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: set[str] = field(default_factory=set)
    """Categories the client should not send for a while."""
    events: int = 0
    event_id: str = ""
    """Of the last of those."""
    over: int = 0
    """Events that are not kept because there were too many."""


def read(body: bytes) -> Envelope:
    """Return the envelope in *body*; raise `Rejected` for one that cannot be read."""
    try:
        return parse_envelope(body)
    except InvalidEnvelope as error:
        raise Rejected(
            400, f"envelope: {error} → check the client, or a proxy on the way"
        ) from None


def read_alone(body: bytes) -> Envelope:
    """Return what is posted to `/store/`, one event without an envelope, as if it had one.

    Old clients pack it with zlib and write that in base64.
    """
    if body[:1] not in b"{ \t\r\n":
        try:
            body = decompress(base64.b64decode(body, validate=True), "deflate", limits.MAX_AT_ONCE)
        except ValueError:
            raise Rejected(400, "event: is neither JSON nor base64 → check the client") from None
    return Envelope({}, (Item("event", {}, body),))


def sort(
    envelope: Envelope, project_id: int, received_at: Micros, scrubber: Scrubber | None
) -> Accepted:
    """Return what to keep of *envelope* and what is skipped.

    Events lose their secrets to *scrubber*; without one they are over quota.
    """
    accepted = Accepted()
    if envelope.beyond:
        accepted.skipped["item beyond the 100 of one envelope"] += envelope.beyond
    for item in envelope.items:
        largest = LARGEST.get(item.type)
        if largest is None:
            _skip(item, accepted)
        elif len(item.payload) > largest:
            accepted.skipped[f"{item.type} item that is too large"] += 1
        elif item.type == "client_report":
            count_reported(item.payload, accepted.skipped)
        elif item.type == "trace_metric":
            reports = take_gauges(item.payload, received_at, accepted.skipped)
            accepted.entries += [Entry(project_id, received_at, "memory", one) for one in reports]
        elif payload := _payload(item, envelope, scrubber, accepted):
            accepted.entries.append(Entry(project_id, received_at, item.type, payload))
    return accepted


def _payload(
    item: Item, envelope: Envelope, scrubber: Scrubber | None, accepted: Accepted
) -> bytes:
    """Return what to keep of an item, nothing of an event that is not kept."""
    if item.type != "event":
        return item.payload
    if scrubber is None:
        accepted.over += 1
        accepted.skipped["event over the quota"] += 1
        return b""
    taken = take_event(item.payload, envelope.header, scrubber, accepted.skipped)
    if taken is None:
        return b""
    accepted.events += 1
    accepted.event_id = taken.id
    return taken.payload


def rate_limits(refused: Iterable[str], pause: int) -> str:
    """Return the value of X-Sentry-Rate-Limits that stops *refused*, and errors for *pause* s."""
    told = [f"{pause}:error:project:quota"] if pause else []
    if refused:
        told.append(f"{REFUSED_FOR}:{';'.join(sorted(refused))}:project:unsupported")
    return ", ".join(told)


def _skip(item: Item, accepted: Accepted) -> None:
    name = item.type if item.type in COUNTED_BY_NAME else "nobody knows"
    accepted.skipped[f"item of type {name}, not kept"] += 1
    category = CATEGORY_OF.get(item.type)
    if category is not None:
        accepted.refused.add(category)
