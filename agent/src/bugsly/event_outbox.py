"""Queues the events that wait to be sent: bounded, counting what is lost, each sent under one id.

The sender encodes them (`probes/errors/event_encoder.py`) when it is about to send. Without room
the newest are lost: the first errors are the causes, those that follow are often their effects.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bugsly.protocol.event import CapturedEvent

    EncodeEvent = Callable[[CapturedEvent], "bytes | None"]

CAPACITY_BYTES = 1_000_000
"""Bytes of encoded events, and as many of those that are not encoded yet."""
MAX_WAITING_EVENTS = 200
MAX_EVENTS_PER_ENVELOPE = 50


class EventOutbox:
    """Takes events on any thread; one thread takes them out."""

    def __init__(self, capacity: int = CAPACITY_BYTES) -> None:
        self._lock = threading.Lock()
        self._capacity = capacity
        self._pending: list[tuple[CapturedEvent, int]] = []
        self._encoded: list[bytes] = []
        self._paused_until = 0.0
        self.dropped = 0
        self.refused = 0

    def put(self, event: CapturedEvent, size: int) -> None:
        """Add *event*, which takes about *size* bytes; count it as dropped without room."""
        with self._lock:
            pending_size = sum(one for _, one in self._pending)
            if pending_size + size > self._capacity or self._waiting_count >= MAX_WAITING_EVENTS:
                self.dropped += 1
            else:
                self._pending.append((event, size))

    def encode_pending(self, encode: EncodeEvent) -> None:
        """Encode the events that wait; drop those without room."""
        while self._pending:
            event, _ = self._pending[0]
            encoded = encode(event)
            with self._lock:
                del self._pending[0]
                room = self._capacity - sum(map(len, self._encoded))
                if encoded is None or len(encoded) > room:
                    self.dropped += 1
                else:
                    self._encoded.append(encoded)

    def peek(self, max_bytes: int) -> list[bytes]:
        """Return the oldest encoded events, up to *max_bytes* bytes but at least one.

        There are at most fifty, for an envelope may have a hundred items.
        """
        if not self.is_due:
            return []
        chosen: list[bytes] = []
        size = 0
        with self._lock:
            for event in self._encoded[:MAX_EVENTS_PER_ENVELOPE]:
                size += len(event)
                if chosen and size > max_bytes:
                    break
                chosen.append(event)
        return chosen

    def acknowledge(self, events: list[bytes], *, accepted: bool) -> None:
        """Remove what `peek` returned; count it as refused unless it was *accepted*."""
        with self._lock:
            del self._encoded[: len(events)]
            self.refused += 0 if accepted else len(events)

    def drop_first(self) -> None:
        """Remove the oldest encoded event, which the server finds too large."""
        with self._lock:
            del self._encoded[:1]
            self.refused += 1

    def pause(self, seconds: float) -> None:
        """Send no events for *seconds*, as the server asked."""
        if seconds:
            self._paused_until = monotonic() + seconds

    @property
    def is_due(self) -> bool:
        """Return whether an event may be sent now."""
        return bool(self) and monotonic() >= self._paused_until

    @property
    def _waiting_count(self) -> int:
        return len(self._pending) + len(self._encoded)

    def __bool__(self) -> bool:
        return self._waiting_count > 0
