"""Sorts the items of an envelope into what is kept and what is not, and says so in the reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from bugsly.protocol.envelope import Envelope, InvalidEnvelope, Item, parse_envelope
from bugsly.protocol.memory import ITEM_TYPE
from bugsly_server.clock import Micros
from bugsly_server.errors import Rejected
from bugsly_server.ingest.limits import MAX_MEMORY_ITEM
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
    "session": "session",
    "sessions": "session",
    "check_in": "monitor",
    "attachment": "attachment",
    "feedback": "feedback",
}
"""What an SDK may be told to stop sending. Errors are not among it, nor `default`, nor metrics:
an empty or unknown category would silence the SDK altogether."""

COUNTED_BY_NAME = {*CATEGORY_OF, "event", "client_report", "statsd", "metric_buckets"}
"""Other names are the client's to invent, without end."""


class Accepted(NamedTuple):
    """What of an envelope is kept, and how much of each kind is not."""

    entries: list[Entry]
    skipped: Counter[str]
    refused: set[str]
    """Categories the client should not send for a while."""


def read(body: bytes) -> Envelope:
    """Return the envelope in *body*; raise `Rejected` for one that cannot be read."""
    try:
        return parse_envelope(body)
    except InvalidEnvelope as error:
        raise Rejected(
            400, f"envelope: {error} → check the client, or a proxy on the way"
        ) from None


def sort(envelope: Envelope, project_id: int, received_at: Micros) -> Accepted:
    """Return what to keep of *envelope* and what is skipped."""
    accepted = Accepted([], Counter(), set())
    if envelope.beyond:
        accepted.skipped["item beyond the 100 of one envelope"] += envelope.beyond
    for item in envelope.items:
        if item.type != ITEM_TYPE:
            _skip(item, accepted)
        elif len(item.payload) > MAX_MEMORY_ITEM:
            accepted.skipped["memory item that is too large"] += 1
        else:
            accepted.entries.append(Entry(project_id, received_at, item.type, item.payload))
    return accepted


def rate_limits(refused: Iterable[str]) -> str:
    """Return the value of X-Sentry-Rate-Limits that stops *refused*, which is not empty."""
    return f"{REFUSED_FOR}:{';'.join(sorted(refused))}:project:unsupported"


def _skip(item: Item, accepted: Accepted) -> None:
    name = item.type if item.type in COUNTED_BY_NAME else "nobody knows"
    accepted.skipped[f"item of type {name}, not kept"] += 1
    category = CATEGORY_OF.get(item.type)
    if category is not None:
        accepted.refused.add(category)
