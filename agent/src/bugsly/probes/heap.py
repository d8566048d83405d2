"""Looks at the heap of this worker several times over a counted number of requests, when asked."""

from __future__ import annotations

import gc
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from bugsly.heap.groups import Unreadable, read
from bugsly.heap.growth import Snapshot, grown, heaviest, orphans
from bugsly.heap.roots import at_home, greenlet_calls, roots
from bugsly.heap.snapshot import NONSENSE, Failed, take
from bugsly.heap.walkers import best_walker
from bugsly.protocol.evidence import Answer, Heap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bugsly.heap.snapshot import Roots, Walker
    from bugsly.probes.traffic import Endpoint, TrafficProbe
    from bugsly.protocol.evidence import Ask

PARTING = 2.0
"""Seconds that the look of a worker may take which is about to be recycled."""
MOST_PARTING = 10
"""Retainers that it tells, the heaviest."""
LONGEST = 120.0
"""Seconds from the first snapshot to the last."""
LOOKS = 4
PAUSE = 0.05
REST = 1.0
"""Seconds to wait for a moment without a request in flight."""
LARGE = 2_000_000
"""Blocks of Python's allocator: to go through a larger heap stops the app for too long."""
NOTHING = "no request came in {:.0f} s → ask again when there is traffic"


class HeapProbe:
    """Takes snapshots of this worker's heap; *served* tells the applications it serves."""

    def __init__(
        self, traffic: TrafficProbe, served: Callable[[], Iterable[object]] = tuple
    ) -> None:
        self._traffic = traffic
        self._served = served
        self._closing = threading.Event()

    def close(self) -> None:
        """Give up the snapshot that is being taken, if one is: the worker leaves."""
        self._closing.set()

    def look(self, ask: Ask) -> Answer:
        """Return what keeps most, or what grew meanwhile where *ask* names requests."""
        return _answer(ask.id, lambda: self._look(ask.requests))

    def part(self) -> Answer | None:
        """Return what keeps most, from one look at a worker that leaves; None without the C walker.

        Requests are not waited for, nor is garbage collected: it would stop those that are served.
        """
        walker = best_walker()
        return _answer(0, lambda: self._held(walker)) if walker.name == "c" else None

    def _held(self, walker: Walker) -> Heap:
        answered, until = self._traffic.requests, time.monotonic() + PARTING
        taken = take(
            walker,
            roots(self._served()),
            lambda pause: self._closing.wait(pause) or time.monotonic() > until,
        )
        snapshots = [Snapshot(answered, taken.walked)]
        whole = _told(walker.name, snapshots, taken.pause, collected=False)
        return replace(whole, retainers=whole.retainers[:MOST_PARTING], orphans=())

    def _look(self, requests: int) -> Heap:
        walker, collected = best_walker(), True
        deadline, first = time.monotonic() + LONGEST, self._traffic.requests
        answered: list[int] = []
        served: list[dict[Endpoint, int]] = []
        looks: tuple[bytes, ...] = ()
        pause = 0.0
        for look in range(LOOKS if requests else 1):
            self._wait(first + requests * look // (LOOKS - 1), deadline)
            if answered and answered[-1] == self._traffic.requests:
                break
            collected = self._rest() and collected
            answered.append(self._traffic.requests)
            served.append(self._traffic.served())
            taken = take(walker, self._roots(), self._closing.wait, earlier=looks)
            looks, pause = taken.looks, max(pause, taken.pause)
        if requests and len(looks) < 2:
            raise Failed(NOTHING.format(LONGEST))
        snapshots = list(map(Snapshot, answered, map(read, looks), served))
        return _told(walker.name, snapshots, pause, collected=collected)

    def _roots(self) -> Roots:
        calls = [] if _is_large() else greenlet_calls()
        return [*roots(self._served()), *calls]

    def _wait(self, requests: int, deadline: float) -> None:
        """Wait until so many requests were answered, or for the *deadline*."""
        while self._traffic.requests < requests and time.monotonic() < deadline:
            if self._closing.wait(PAUSE):
                return

    def _rest(self) -> bool:
        """Wait for a moment without requests; return whether what cycles hold now is there to stay.

        With the collector on, that is what it has found no garbage; where it is off, all is.
        """
        deadline = time.monotonic() + REST
        while self._traffic.in_flight and time.monotonic() < deadline:
            if self._closing.wait(PAUSE / 10):
                break
        if not (gc.isenabled() and gc.get_threshold()[0]):
            return True
        if _is_large():
            return False
        gc.collect()
        return True


def _answer(ask: int, look: Callable[[], Heap]) -> Answer:
    """Return what *look* finds, or why it finds nothing."""
    try:
        return Answer(ask=ask, heap=look())
    except Failed as failed:
        return Answer(ask=ask, problem=str(failed))
    except Unreadable as error:
        return Answer(ask=ask, problem=NONSENSE.format(error))


def _is_large() -> bool:
    return sys.getallocatedblocks() >= LARGE


def _told(walker: str, snapshots: Sequence[Snapshot], pause: float, *, collected: bool) -> Heap:
    last = snapshots[-1].walked
    retainers = heaviest(snapshots[-1]) if len(snapshots) == 1 else grown(snapshots)
    return Heap(
        walker=walker,
        requests=tuple(one.requests for one in snapshots),
        objects=last.objects,
        bytes=last.bytes,
        pause=round(pause, 6),
        seconds=round(max(one.walked.seconds for one in snapshots), 3),
        retainers=tuple(map(at_home, retainers)),
        orphans=orphans(snapshots, collected=collected),
    )
