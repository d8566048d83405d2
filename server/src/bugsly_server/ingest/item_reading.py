"""Reads the items that have to be parsed before they are kept; `reading_child` runs it."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache

import msgspec

from bugsly_server.clock import Micros
from bugsly_server.ingest.event_intake import count_discarded, scrub_event
from bugsly_server.ingest.memory_gauges import reports_from_gauges
from bugsly_server.scrub.scrubber import Scrubber

MAX_SCRUBBERS = 20
"""Scrubbers that are kept, each with the texts that it found clean."""


class ItemToRead(msgspec.Struct, frozen=True):
    """An item with what reading it needs: of its envelope's header, as JSON, and of its project."""

    type: str
    payload: bytes
    header: str
    received_at: Micros
    secret_names: tuple[str, ...]


class ReadItem(msgspec.Struct, frozen=True):
    """What came of an item: payloads to keep, and counts of what is not kept."""

    payloads: list[bytes]
    skipped: dict[str, int]
    event_id: str = ""
    """Of an event that is kept; else empty."""
    cpu_seconds: float = 0.0
    """What reading it took."""


class ItemParser:
    """Parses items one after another, with a scrubber for each set of secret names."""

    def __init__(self) -> None:
        self._scrubber_for = lru_cache(MAX_SCRUBBERS)(Scrubber)

    def read(self, item: ItemToRead) -> ReadItem:
        """Return an event without its secrets, gauges as reports, and nothing of others."""
        skipped: Counter[str] = Counter()
        if item.type == "event":
            scrubber = self._scrubber_for(item.secret_names)
            event = scrub_event(item.payload, json.loads(item.header), scrubber, skipped)
            if event is not None:
                return ReadItem([event.payload], skipped, event.id)
        elif item.type == "trace_metric":
            return ReadItem(reports_from_gauges(item.payload, item.received_at, skipped), skipped)
        else:
            count_discarded(item.payload, skipped)
        return ReadItem([], skipped)
