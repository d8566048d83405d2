"""Takes a sample of this worker every few seconds, on a thread of its own."""

from __future__ import annotations

import math
import threading
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from bugsly.probes import process
from bugsly.probes.allocator import AllocatorMemory, AllocatorProbe, read_collector_facts
from bugsly.probes.memory_limit import Headroom, read_headroom
from bugsly.protocol.memory import Sample, encode_sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from bugsly.guard import Guards
    from bugsly.outbox import Outbox
    from bugsly.probes.census import CensusSchedule
    from bugsly.probes.holder_registry import HolderRegistry
    from bugsly.probes.traffic import TrafficProbe
    from bugsly.protocol.evidence import HolderCount
    from bugsly.protocol.memory import EndpointInFlight

PSS_INTERVAL_MICROS = 300_000_000
"""Microseconds between two readings of the PSS."""


class SamplerProbes(NamedTuple):
    """What measures at each sample, and the census that runs between samples."""

    traffic: TrafficProbe
    holders: HolderRegistry
    census: CensusSchedule | None
    """None where the census is off."""


class Sampler:
    """Puts a sample into the outbox at start and every *interval* seconds, until it is closed."""

    def __init__(
        self,
        interval: float,
        probes: SamplerProbes,
        outbox: Outbox,
        wake: Callable[[], None],
        guards: Guards,
    ) -> None:
        self._interval = interval
        self._traffic = probes.traffic
        self._holders = probes.holders
        self._census = probes.census
        self._outbox = outbox
        self._wake = wake
        self._guard = guards("sampler")
        self._limit_guard = guards("sampler.limit")
        self._in_flight_guard = guards("sampler.under_way")
        self._allocator = AllocatorProbe()
        self._allocator_guard = guards("probe.allocator")
        self._holders_guard = guards("sampler.holders")
        self._census_guard = guards("probe.census")
        self._number = 0
        self._pss_read_at = -PSS_INTERVAL_MICROS
        self._closing = False
        self._sample_requested = threading.Event()
        self._sample_taken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bugsly-sampler", daemon=True)

    def start(self) -> None:
        """Take the first sample, and continue."""
        self._thread.start()

    def sample_now(self, timeout: float) -> None:
        """Take a sample now; return once it is taken, or after *timeout* seconds."""
        self._sample_taken.clear()
        self._sample_requested.set()
        self._sample_taken.wait(timeout)

    def close(self, timeout: float) -> None:
        """Take a last sample and end; wait at most *timeout* seconds for that."""
        self._closing = True
        self._sample_requested.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            self._put_sample()
            self._sample_taken.set()
            if self._closing:
                return
            self._wait_for_next_sample()

    def _wait_for_next_sample(self) -> None:
        """Wait until the next sample is due, and run slices of the census meanwhile."""
        deadline = monotonic() + self._interval
        if self._census is not None:
            self._census.begin_pass()
        while not self._sample_requested.is_set() and (remaining := deadline - monotonic()) > 0:
            pause = remaining
            with self._census_guard:
                pause = math.inf if self._census is None else self._census.run_slice()
            self._sample_requested.wait(min(pause, max(0.0, deadline - monotonic())))
        self._sample_requested.clear()

    def _put_sample(self) -> None:
        sample = None
        with self._guard:
            sample = encode_sample(self._measure())
        if sample is None:
            self._outbox.put_failure()
        else:
            self._outbox.put(sample)
        self._wake()

    def _measure(self) -> Sample:
        self._number += 1
        age = process.age()
        memory = process.read_memory()
        headroom = Headroom(0, 0, 0)
        with self._limit_guard:
            headroom = read_headroom()
        allocated = AllocatorMemory()
        with self._allocator_guard:
            allocated = self._allocator.read()
        in_flight_requests: tuple[EndpointInFlight, ...] = ()
        with self._in_flight_guard:
            in_flight_requests = self._traffic.in_flight_requests.by_endpoint()
        return Sample(
            number=self._number,
            age=age,
            anonymous=memory.anonymous,
            shared=memory.shared,
            swapped=memory.swapped,
            peak=memory.peak,
            proportional=self._read_pss_rarely(age),
            descriptors=process.count_descriptors(),
            threads=memory.threads,
            requests=self._traffic.requests,
            in_flight=self._traffic.in_flight,
            under_way=in_flight_requests,
            used=headroom.used,
            limit=headroom.limit,
            oom_kills=headroom.oom_kills,
            traffic=self._traffic.take_traffic(),
            in_use=allocated.in_use,
            held=allocated.held,
            blocks=allocated.blocks,
            levels=self._count_holders(),
        )

    def _count_holders(self) -> tuple[HolderCount, ...]:
        """Count the holders; put changed descriptions into the outbox."""
        counts: tuple[HolderCount, ...] = ()
        with self._holders_guard:
            counts = self._holders.count_holders()
            self._outbox.evidence.put_holders(self._holders.describe_changed())
            self._outbox.evidence.put_facts(read_collector_facts())
        return counts

    def _read_pss_rarely(self, age: int) -> int | None:
        if age - self._pss_read_at < PSS_INTERVAL_MICROS:
            return None
        self._pss_read_at = age
        return process.read_pss()
