"""Takes snapshots of this worker's heap for a probe request, over a counted number of requests.

Also takes the final snapshot of a worker that is about to be recycled.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from bugsly.heap.snapshot import INVALID_OUTPUT, SnapshotFailed, take_snapshot
from bugsly.heap.snapshot_comparison import (
    HeapObservation,
    growing_holders,
    growing_unreachable,
    heaviest_holders,
)
from bugsly.heap.walk_result import InvalidWalkResult, decode_walk_result
from bugsly.heap.walk_roots import greenlet_frames, walk_roots, with_defining_module
from bugsly.heap.walker_choice import best_walker
from bugsly.probes import process
from bugsly.probes.census.census_roots import applications_by_name
from bugsly.probes.memory_limit import read_headroom
from bugsly.protocol.evidence import HeapGrowth, ProbeResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bugsly.heap.snapshot import HeapWalker, WalkRoots
    from bugsly.probes.traffic import EndpointKey, TrafficProbe
    from bugsly.protocol.evidence import ProbeRequest

FINAL_SNAPSHOT_SECONDS = 2.0
"""Seconds that the snapshot of a worker that is about to be recycled may take."""
MAX_FINAL_HOLDERS = 10
"""Holders in that snapshot, those that retain most."""
MAX_PROBE_SECONDS = 120.0
"""Seconds from the first snapshot to the last."""
SNAPSHOT_COUNT = 4
POLL_SECONDS = 0.05
MAX_IDLE_WAIT_SECONDS = 1.0
"""Seconds to wait for a moment without a request in flight."""
MIN_LARGE_HEAP_BLOCKS = 2_000_000
"""Blocks of Python's allocator; the collector would stop the app too long in a larger heap."""
SPARE_BYTES = 32_000_000
"""Bytes that have to stay free next to what the child may take."""
NO_ROOM = "the snapshot was refused: {} MB are free below the limit of memory, {} MB are needed"
NO_REQUESTS = "no request came in {:.0f} s → ask again when there is traffic"


class HeapProbe:
    """Takes snapshots of the heap of this worker; *served* returns the applications it serves."""

    def __init__(
        self, traffic: TrafficProbe, served: Callable[[], Iterable[object]] = tuple
    ) -> None:
        self._traffic = traffic
        self._served = served
        self._closing = threading.Event()

    def close(self) -> None:
        """Stop the snapshot that is being taken, if any: the worker is exiting."""
        self._closing.set()

    def compare_snapshots(self, probe_request: ProbeRequest) -> ProbeResult:
        """Return what grew over the requests in *probe_request*; what retains most without any."""
        return _to_probe_result(
            probe_request.id, lambda: self._compare_snapshots(probe_request.requests)
        )

    def take_final_snapshot(self) -> ProbeResult | None:
        """Return what retains most in an exiting worker, None without the walker in C.

        It neither waits for requests nor collects garbage, for requests are still being served.
        """
        walker = best_walker()
        return _to_probe_result(0, lambda: self._final_heap(walker)) if walker.name == "c" else None

    def _final_heap(self, walker: HeapWalker) -> HeapGrowth:
        answered, deadline = self._traffic.requests, time.monotonic() + FINAL_SNAPSHOT_SECONDS
        _check_headroom(walker)
        taken = take_snapshot(
            walker,
            self._roots(),
            lambda pause: self._closing.wait(pause) or time.monotonic() > deadline,
        )
        snapshots = [HeapObservation(answered, taken.last_result)]
        heap = _to_heap(walker.name, snapshots, taken.pause_seconds, collected=False)
        return replace(heap, retainers=heap.retainers[:MAX_FINAL_HOLDERS], orphans=())

    def _compare_snapshots(self, requests: int) -> HeapGrowth:
        walker, collected = best_walker(), True
        deadline, first = time.monotonic() + MAX_PROBE_SECONDS, self._traffic.requests
        requests_at: list[int] = []
        served: list[dict[EndpointKey, int]] = []
        encoded_results: tuple[bytes, ...] = ()
        pause_seconds = 0.0
        for index in range(SNAPSHOT_COUNT if requests else 1):
            self._wait_for_requests(first + requests * index // (SNAPSHOT_COUNT - 1), deadline)
            if requests_at and requests_at[-1] == self._traffic.requests:
                break
            collected = self._wait_until_idle() and collected
            requests_at.append(self._traffic.requests)
            served.append(self._traffic.requests_by_endpoint())
            _check_headroom(walker)
            taken = take_snapshot(
                walker, self._roots_and_calls(), self._closing.wait, earlier_results=encoded_results
            )
            encoded_results, pause_seconds = (
                taken.encoded_results,
                max(pause_seconds, taken.pause_seconds),
            )
        if requests and len(encoded_results) < 2:
            raise SnapshotFailed(NO_REQUESTS.format(MAX_PROBE_SECONDS))
        snapshots = list(
            map(HeapObservation, requests_at, map(decode_walk_result, encoded_results), served)
        )
        return _to_heap(walker.name, snapshots, pause_seconds, collected=collected)

    def _roots(self) -> WalkRoots:
        return walk_roots(applications_by_name(self._served()).items())

    def _roots_and_calls(self) -> WalkRoots:
        calls = [] if _is_large_heap() else greenlet_frames()
        return [*self._roots(), *calls]

    def _wait_for_requests(self, requests: int, deadline: float) -> None:
        """Wait until so many requests have been answered, until the *deadline* at most."""
        while self._traffic.requests < requests and time.monotonic() < deadline:
            if self._closing.wait(POLL_SECONDS):
                return

    def _wait_until_idle(self) -> bool:
        """Wait for a moment without requests and collect garbage; return whether cycles count.

        They do where none is garbage, and where the application has switched the collector off.
        """
        deadline = time.monotonic() + MAX_IDLE_WAIT_SECONDS
        while self._traffic.in_flight and time.monotonic() < deadline:
            if self._closing.wait(POLL_SECONDS / 10):
                break
        if not (gc.isenabled() and gc.get_threshold()[0]):
            return True
        if _is_large_heap():
            return False
        gc.collect()
        return True


def _to_probe_result(request_id: int, take_heap: Callable[[], HeapGrowth]) -> ProbeResult:
    """Return what *take_heap* finds, or the problem that prevents it."""
    try:
        return ProbeResult(ask=request_id, heap=take_heap())
    except SnapshotFailed as failed:
        return ProbeResult(ask=request_id, problem=str(failed))
    except InvalidWalkResult as error:
        return ProbeResult(ask=request_id, problem=INVALID_OUTPUT.format(error))


def _check_headroom(walker: HeapWalker) -> None:
    """Raise `SnapshotFailed` if a child might not fit below the limit of memory."""
    headroom = read_headroom()
    free = headroom.limit - headroom.used
    needed = walker.max_memory(process.read_memory().anonymous) + SPARE_BYTES
    if headroom.limit and free < needed:
        raise SnapshotFailed(NO_ROOM.format(free // 1_000_000, needed // 1_000_000))


def _is_large_heap() -> bool:
    return sys.getallocatedblocks() >= MIN_LARGE_HEAP_BLOCKS


def _to_heap(
    walker: str, snapshots: Sequence[HeapObservation], pause_seconds: float, *, collected: bool
) -> HeapGrowth:
    last = snapshots[-1].walk
    retainers = (
        heaviest_holders(snapshots[-1]) if len(snapshots) == 1 else growing_holders(snapshots)
    )
    return HeapGrowth(
        walker=walker,
        requests=tuple(one.requests for one in snapshots),
        objects=last.objects,
        bytes=last.bytes,
        pause=round(pause_seconds, 6),
        seconds=round(max(one.walk.seconds for one in snapshots), 3),
        retainers=tuple(map(with_defining_module, retainers)),
        orphans=growing_unreachable(snapshots, collected=collected),
    )
