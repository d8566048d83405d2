"""Takes a sample of this worker every few seconds, on a thread of its own."""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from bugsly.probes import process
from bugsly.probes.allocator import Allocated, AllocatorProbe, read_facts
from bugsly.probes.limit import Headroom, read_headroom
from bugsly.protocol.memory import Sample, encode_sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from bugsly.guard import Guards
    from bugsly.outbox import Outbox
    from bugsly.probes.census import Survey
    from bugsly.probes.holders import Holders
    from bugsly.probes.traffic import TrafficProbe
    from bugsly.protocol.evidence import Level
    from bugsly.protocol.memory import UnderWay

PROPORTIONAL_EVERY = 300_000_000
"""Microseconds between two readings of the PSS."""


class Probes(NamedTuple):
    """What is asked at each sample, and what works between them."""

    traffic: TrafficProbe
    holders: Holders
    survey: Survey


class Sampler:
    """Puts a sample into the outbox now and every *every* seconds until it is closed."""

    def __init__(
        self,
        every: float,
        probes: Probes,
        outbox: Outbox,
        wake: Callable[[], None],
        guards: Guards,
    ) -> None:
        self._every = every
        self._traffic = probes.traffic
        self._holders = probes.holders
        self._survey = probes.survey
        self._outbox = outbox
        self._wake = wake
        self._guard = guards("sampler")
        self._limit_guard = guards("sampler.limit")
        self._under_way_guard = guards("sampler.under_way")
        self._allocator = AllocatorProbe()
        self._allocator_guard = guards("probe.allocator")
        self._holders_guard = guards("sampler.holders")
        self._survey_guard = guards("probe.census")
        self._number = 0
        self._proportional_at = -PROPORTIONAL_EVERY
        self._closing = False
        self._hurried = threading.Event()
        self._taken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bugsly-sampler", daemon=True)

    def start(self) -> None:
        """Take the first sample at once, and go on."""
        self._thread.start()

    def hurry(self, timeout: float) -> None:
        """Take a sample now; return when it is taken, or after *timeout* seconds."""
        self._taken.clear()
        self._hurried.set()
        self._taken.wait(timeout)

    def close(self, timeout: float) -> None:
        """End within *timeout* seconds, after a last sample."""
        self._closing = True
        self._hurried.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            self._take()
            self._taken.set()
            if self._closing:
                return
            self._rest()

    def _rest(self) -> None:
        """Wait for the next sample, and work a little now and then."""
        until = monotonic() + self._every
        self._survey.begin()
        while not self._hurried.is_set() and (left := until - monotonic()) > 0:
            pause = left
            with self._survey_guard:
                pause = self._survey.step()
            self._hurried.wait(min(pause, max(0.0, until - monotonic())))
        self._hurried.clear()

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
        under_way: tuple[UnderWay, ...] = ()
        with self._under_way_guard:
            under_way = self._traffic.under_way.told()
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
            under_way=under_way,
            used=headroom.used,
            limit=headroom.limit,
            oom_kills=headroom.oom_kills,
            traffic=self._traffic.take(),
            in_use=allocated.in_use,
            held=allocated.held,
            blocks=allocated.blocks,
            levels=self._levels(),
        )

    def _levels(self) -> tuple[Level, ...]:
        """Count the holders; put into the outbox what is new of them."""
        levels: tuple[Level, ...] = ()
        with self._holders_guard:
            levels = self._holders.levels()
            self._outbox.evidence.put_holders(self._holders.news())
            self._outbox.evidence.put_facts(read_facts())
        return levels

    def _proportional(self, age: int) -> int | None:
        if age - self._proportional_at < PROPORTIONAL_EVERY:
            return None
        self._proportional_at = age
        return process.read_proportional()
