"""Takes a sample of this worker every few seconds, on a thread of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bugsly.probes import process
from bugsly.probes.allocator import Allocated, AllocatorProbe
from bugsly.probes.limit import Headroom, read_headroom
from bugsly.protocol.memory import Sample, encode_sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from bugsly.guard import Guards
    from bugsly.outbox import Outbox
    from bugsly.probes.traffic import TrafficProbe

PROPORTIONAL_EVERY = 300_000_000
"""Microseconds between two readings of the PSS."""


class Sampler:
    """Puts a sample into the outbox now and every *every* seconds until it is closed."""

    def __init__(
        self,
        every: float,
        traffic: TrafficProbe,
        outbox: Outbox,
        wake: Callable[[], None],
        guards: Guards,
    ) -> None:
        self._every = every
        self._traffic = traffic
        self._outbox = outbox
        self._wake = wake
        self._guard = guards("sampler")
        self._limit_guard = guards("sampler.limit")
        self._allocator = AllocatorProbe()
        self._allocator_guard = guards("probe.allocator")
        self._number = 0
        self._proportional_at = -PROPORTIONAL_EVERY
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bugsly-sampler", daemon=True)

    def start(self) -> None:
        """Take the first sample at once, and go on."""
        self._thread.start()

    def close(self, timeout: float) -> None:
        """End within *timeout* seconds, after a last sample."""
        self._closing.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            self._take()
            if self._closing.is_set():
                return
            self._closing.wait(self._every)

    def _take(self) -> None:
        sample = None
        with self._guard:
            sample = encode_sample(self._sample())
        if sample is None:
            self._outbox.put_failure()
        else:
            self._outbox.put(sample)
        self._wake()

    def _sample(self) -> Sample:
        self._number += 1
        age = process.age()
        memory = process.read_memory()
        headroom = Headroom(0, 0, 0)
        with self._limit_guard:
            headroom = read_headroom()
        allocated = Allocated()
        with self._allocator_guard:
            allocated = self._allocator.read()
        return Sample(
            number=self._number,
            age=age,
            anonymous=memory.anonymous,
            shared=memory.shared,
            swapped=memory.swapped,
            peak=memory.peak,
            proportional=self._proportional(age),
            descriptors=process.count_descriptors(),
            threads=memory.threads,
            requests=self._traffic.requests,
            in_flight=self._traffic.in_flight,
            used=headroom.used,
            limit=headroom.limit,
            oom_kills=headroom.oom_kills,
            traffic=self._traffic.take(),
            in_use=allocated.in_use,
            held=allocated.held,
            blocks=allocated.blocks,
        )

    def _proportional(self, age: int) -> int | None:
        if age - self._proportional_at < PROPORTIONAL_EVERY:
            return None
        self._proportional_at = age
        return process.read_proportional()
