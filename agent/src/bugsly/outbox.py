"""What waits to be sent: bounded in bytes, never blocking, counting what it had to drop."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from bugsly.events import EventDesk
from bugsly.evidence import EvidenceDesk

if TYPE_CHECKING:
    from bugsly.protocol.memory import Exit

CAPACITY = 1_000_000
"""Bytes of encoded samples; at one sample in 10 s, about five hours of a usual worker."""
MAX_EXITS = 64


class Outbox:
    """Samples in order of their number, exits of workers gone before, evidence, and events."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._lock = threading.Lock()
        self._samples: deque[bytes] = deque()
        self._bytes = 0
        self._capacity = capacity
        self._exits: deque[Exit] = deque(maxlen=MAX_EXITS)
        self._failed = False
        self.dropped = 0
        self.evidence = EvidenceDesk()
        self.events = EventDesk()

    def put(self, sample: bytes) -> None:
        """Add *sample*, dropping the oldest ones where there is no room for it."""
        with self._lock:
            self._samples.append(sample)
            self._bytes += len(sample)
            while self._bytes > self._capacity:
                self._bytes -= len(self._samples.popleft())
                self.dropped += 1

    def put_exit(self, ended: Exit) -> None:
        """Add the end of a worker."""
        with self._lock:
            self._exits.append(ended)

    def put_failure(self) -> None:
        """Ask for a report without a sample, since none could be taken; it will say what failed."""
        self._failed = True

    def peek(self, most: int) -> tuple[list[bytes], list[Exit]]:
        """Return the oldest samples, up to *most* bytes but at least one, and all exits."""
        chosen: list[bytes] = []
        size = 0
        with self._lock:
            for sample in self._samples:
                size += len(sample)
                if chosen and size > most:
                    break
                chosen.append(sample)
            return chosen, list(self._exits)

    def remove(self, samples: list[bytes], exits: list[Exit]) -> None:
        """Take out what `peek` returned and is settled now.

        What of it was dropped for want of room meanwhile is not lost, and no longer counted so.
        """
        settled = {id(sample) for sample in samples}
        with self._lock:
            missing = len(samples)
            while self._samples and id(self._samples[0]) in settled:
                self._bytes -= len(self._samples.popleft())
                missing -= 1
            self.dropped -= missing
            self._failed = False
            for ended in exits:
                if ended in self._exits:
                    self._exits.remove(ended)

    @property
    def due(self) -> bool:
        """Return whether there is something that may be sent now; events may have to wait."""
        return bool(self._samples or self._exits or self._failed or self.events.due)

    def __bool__(self) -> bool:
        return self.due or bool(self.events)
