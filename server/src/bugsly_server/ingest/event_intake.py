"""Prepares an event for the spool: readable, with an id, and without secrets."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from bugsly_server.decode.event import NOTE_KEY, normalize_id
from bugsly_server.decode.lenient_json import mapping, mappings, moment, number, read_object
from bugsly_server.scrub.scrubber import Scrubber

MAX_DISCARD_REASONS = 20
KNOWN_DISCARD_REASONS = frozenset(
    {
        *("ratelimit_backoff", "queue_overflow", "cache_overflow", "buffer_overflow"),
        *("network_error", "send_error", "sample_rate", "before_send", "event_processor"),
        *("internal_sdk_error", "insufficient_data", "backpressure"),
    }
)
"""The documented reasons; an SDK may invent any number of others."""
INTENDED_DISCARD_REASONS = frozenset({"sample_rate", "before_send", "event_processor"})
"""Not lost: the application asked for it."""

EVENT_CATEGORIES = ("error", "default", "unknown")
"""The categories of errors, and those that JavaScript SDKs use for messages."""


class SpooledEvent(NamedTuple):
    """An event as the spool stores it."""

    id: str
    payload: bytes


def scrub_event(
    payload: bytes, header: Mapping[str, Any], scrubber: Scrubber, skipped: Counter[str]
) -> SpooledEvent | None:
    """Return the event of an envelope with that *header*; None where it is not a JSON object.

    It carries a note of what was removed from it, and of when the client says it was sent.
    """
    raw = read_object(payload)
    if raw is None:
        skipped["event that is not valid JSON of its form"] += 1
        return None
    raw.pop(NOTE_KEY, None)
    event_id = normalize_id(header.get("event_id")) or normalize_id(raw.get("event_id"))
    event_id = event_id or uuid.uuid4().hex
    scrubbed = scrubber.scrub(raw)
    skipped.update(scrubbed.truncated)
    note = {
        "sent_at": moment(header.get("sent_at")),
        "removed": scrubbed.removed,
        "cut": scrubbed.truncated,
    }
    kept = {**scrubbed.payload, "event_id": event_id, NOTE_KEY: note}
    return SpooledEvent(event_id, msgspec.json.encode(kept))


def count_discarded(payload: bytes, skipped: Counter[str]) -> None:
    """Count what an SDK dropped according to its client report, by category and reason."""
    report = mapping(read_object(payload))
    for discarded in mappings(report.get("discarded_events"))[:MAX_DISCARD_REASONS]:
        reason = discarded.get("reason")
        amount = number(discarded.get("quantity"), 10**9)
        if (
            discarded.get("category") in EVENT_CATEGORIES
            and isinstance(reason, str)
            and reason in KNOWN_DISCARD_REASONS - INTENDED_DISCARD_REASONS
            and amount
        ):
            skipped[f"error that an SDK dropped itself, {reason}"] += amount
