"""Queues what waits to be sent: bounded in bytes, never blocking, counting what is lost."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from bugsly.event_outbox import EventOutbox
from bugsly.evidence_outbox import EvidenceOutbox

if TYPE_CHECKING:
    from bugsly.protocol.memory import Exit

CAPACITY_BYTES = 1_000_000
"""Bytes of encoded samples: about five hours of a usual worker at one sample every 10 s."""
MAX_EXITS = 64


class Outbox:
    """Samples in order of their number, exits of earlier workers, evidence, and events."""

    def __init__(self, capacity: int = CAPACITY_BYTES) -> None:
        self._lock = threading.Lock()
        self._samples: deque[bytes] = deque()
        self._bytes = 0
        self._capacity = capacity
        self._exits: deque[Exit] = deque(maxlen=MAX_EXITS)
        self._sampling_failed = False
        self.dropped = 0
        self.refused = 0
        self.evidence = EvidenceOutbox()
        self.events = EventOutbox()

    def put(self, sample: bytes) -> None:
        """Add *sample*, dropping the oldest ones where there is no room for it."""
        with self._lock:
            self._samples.append(sample)
            self._bytes += len(sample)
            while self._bytes > self._capacity:
                self._bytes -= len(self._samples.popleft())
                self.dropped += 1

    def put_exit(self, worker_exit: Exit) -> None:
        """Add the end of a worker."""
        with self._lock:
            self._exits.append(worker_exit)

    def put_failure(self) -> None:
        """Request a report without a sample: taking one failed, and the report says how."""
        self._sampling_failed = True

    def peek(self, max_bytes: int) -> tuple[list[bytes], list[Exit]]:
        """Return the oldest samples, up to *max_bytes* bytes but at least one, and all exits."""
        chosen: list[bytes] = []
        size = 0
        with self._lock:
            for sample in self._samples:
                size += len(sample)
                if chosen and size > max_bytes:
                    break
                chosen.append(sample)
            return chosen, list(self._exits)

    def remove(self, samples: list[bytes], exits: list[Exit]) -> None:
        """Remove what `peek` returned, now that it was accepted or refused.

        Samples of it that were dropped meanwhile were not lost, so they no longer count as dropped.
        """
        settled = {id(sample) for sample in samples}
        with self._lock:
            missing = len(samples)
            while self._samples and id(self._samples[0]) in settled:
                self._bytes -= len(self._samples.popleft())
                missing -= 1
            self.dropped -= missing
            self._sampling_failed = False
            for worker_exit in exits:
                if worker_exit in self._exits:
                    self._exits.remove(worker_exit)

    @property
    def is_due(self) -> bool:
        """Return whether something may be sent now; events may have to wait."""
        return bool(self._samples or self._exits or self._sampling_failed or self.events.is_due)

    def __bool__(self) -> bool:
        return self.is_due or bool(self.events)
