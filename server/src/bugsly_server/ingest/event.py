"""Makes an event fit to be kept: readable, with an id, and without secrets."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from bugsly_server.digest.event import NOTE, sound_id
from bugsly_server.digest.loose import mapping, moment, number, read_object, values
from bugsly_server.scrub.scrub import Scrubber

MOST_REPORTED = 20
REPORTED = frozenset(
    {
        *("ratelimit_backoff", "queue_overflow", "cache_overflow", "buffer_overflow"),
        *("network_error", "send_error", "sample_rate", "before_send", "event_processor"),
        *("internal_sdk_error", "insufficient_data", "backpressure"),
    }
)
"""The reasons of the SDKs' documentation; others are theirs to invent, without end."""
CHOSEN = frozenset({"sample_rate", "before_send", "event_processor"})
"""Not lost: the application wanted it so."""

EVENTS = ("error", "default", "unknown")
"""The categories of errors, and those that SDKs of JavaScript count messages by."""


class Taken(NamedTuple):
    """An event as the spool keeps it."""

    id: str
    payload: bytes


def take_event(
    payload: bytes, header: Mapping[str, Any], scrubber: Scrubber, skipped: Counter[str]
) -> Taken | None:
    """Return the event of an envelope with that *header*; None where it is no JSON object.

    It carries a note of what was taken out of it, and of when the client says it was sent.
    """
    loose = read_object(payload)
    if loose is None:
        skipped["event that is not valid JSON of its form"] += 1
        return None
    loose.pop(NOTE, None)
    event_id = sound_id(header.get("event_id")) or sound_id(loose.get("event_id"))
    event_id = event_id or uuid.uuid4().hex
    scrubbed = scrubber.scrub(loose)
    skipped.update(scrubbed.cut)
    note = {
        "sent_at": moment(header.get("sent_at")),
        "removed": scrubbed.removed,
        "cut": scrubbed.cut,
    }
    kept = {**scrubbed.loose, "event_id": event_id, NOTE: note}
    return Taken(event_id, msgspec.json.encode(kept))


def count_reported(payload: bytes, skipped: Counter[str]) -> None:
    """Count what a client report says that its SDK dropped, by category and reason."""
    told = mapping(read_object(payload))
    for one in values(told.get("discarded_events"))[:MOST_REPORTED]:
        reason = one.get("reason")
        amount = number(one.get("quantity"), 10**9)
        if one.get("category") in EVENTS and reason in REPORTED - CHOSEN and amount:
            skipped[f"error that an SDK dropped itself, {reason}"] += amount
