"""Events that wait to be sent: bounded, counting what they lose, each sent under one id.

They are finished (`probes/errors/finish.py`) only when the sender comes for them. When there is no
room, the newest are lost: the first errors are the causes, those that follow often their effects.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bugsly.protocol.event import Event

    Finish = Callable[[Event], "bytes | None"]

CAPACITY = 1_000_000
"""Bytes of finished events, and as many of those that are not."""
MOST_WAITING = 200
MOST_AT_ONCE = 50


class EventDesk:
    """Takes events on any thread, and hands them out on one."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._lock = threading.Lock()
        self._capacity = capacity
        self._drafts: list[tuple[Event, int]] = []
        self._finished: list[bytes] = []
        self._paused_until = 0.0
        self.dropped = 0
        self.refused = 0

    def put(self, event: Event, weight: int) -> None:
        """Add *event*, which takes about *weight* bytes; count it as dropped without room."""
        with self._lock:
            drafts = sum(one for _, one in self._drafts)
            if drafts + weight > self._capacity or self._waiting >= MOST_WAITING:
                self.dropped += 1
            else:
                self._drafts.append((event, weight))

    def finish(self, finish: Finish) -> None:
        """Make ready what waits, as long as there is room."""
        while self._drafts:
            event, _ = self._drafts[0]
            encoded = finish(event)
            with self._lock:
                del self._drafts[0]
                room = self._capacity - sum(map(len, self._finished))
                if encoded is None or len(encoded) > room:
                    self.dropped += 1
                else:
                    self._finished.append(encoded)

    def peek(self, most: int) -> list[bytes]:
        """Return the oldest events that are ready, up to *most* bytes but at least one.

        An envelope may have a hundred items, so there are never more than fifty.
        """
        if not self.due:
            return []
        chosen: list[bytes] = []
        size = 0
        with self._lock:
            for event in self._finished[:MOST_AT_ONCE]:
                size += len(event)
                if chosen and size > most:
                    break
                chosen.append(event)
        return chosen

    def settle(self, events: list[bytes], *, taken: bool) -> None:
        """Take out what `peek` returned; count it where the server did not take it."""
        with self._lock:
            del self._finished[: len(events)]
            self.refused += 0 if taken else len(events)

    def drop_first(self) -> None:
        """Take out the oldest event that is ready: the server finds it too large."""
        with self._lock:
            del self._finished[:1]
            self.refused += 1

    def pause(self, seconds: float) -> None:
        """Keep events back for *seconds*, as the server asked."""
        if seconds:
            self._paused_until = monotonic() + seconds

    @property
    def due(self) -> bool:
        """Return whether there is something that may be sent now."""
        return bool(self) and monotonic() >= self._paused_until

    @property
    def _waiting(self) -> int:
        return len(self._drafts) + len(self._finished)

    def __bool__(self) -> bool:
        return self._waiting > 0
