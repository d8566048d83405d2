"""Traces allocations for a counted number of requests, and tells which outlive them.

No request at the beginning is passed over: a worker is only asked when it has grown steadily, so
it is warm; and the window ends when no request is in flight, so that none leaves its own behind.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from typing import TYPE_CHECKING, Protocol

from bugsly.probes import process
from bugsly.probes.allocation_lines import AllocationLines
from bugsly.probes.memory_limit import read_headroom
from bugsly.protocol.evidence import AllocationWindow, ProbeResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from bugsly.probes.traffic import TrafficProbe
    from bugsly.protocol.evidence import ProbeRequest

MAX_WINDOW_SECONDS = 60.0
"""Seconds."""
SHORTENED_AFTER_SECONDS = 10.0
"""Seconds after which fewer requests have to do: tracing makes this worker slow."""
MIN_REQUESTS = 30
"""Requests that do then."""
DEFAULT_REQUESTS = 300
"""Requests, where the ask names no number."""
POLL_SECONDS = 0.05
MAX_IDLE_WAIT_SECONDS = 1.0
"""Seconds to wait at the end for a moment without a request in flight."""
MIN_FREE_BYTES = 150_000_000
"""Bytes below the limit of memory that have to be free."""
MAX_COLLECTED_BLOCKS = 2_000_000
"""Blocks of Python's allocator: in a larger heap a full collection stops the app for too long."""
NO_ROOM = "the window was refused: {} MB are free below the limit of memory, {} MB are needed"
NO_REQUESTS = "no request came in {:.0f} s → ask again when there is traffic"


class AllocationTracer(Protocol):
    """Follows allocations of this process from its start to its end."""

    name: str

    def start(self) -> str:
        """Begin; return why that is not possible, nothing when it is."""

    def is_full(self) -> bool:
        """Return whether it holds as much as it may."""

    def overhead(self) -> int:
        """Return the bytes that tracing takes, as far as it knows."""

    def stop(self, lines: AllocationLines) -> None:
        """End, and add what is still allocated to *lines*."""


class AllocationWindowProbe:
    """Opens a window in this worker when asked."""

    def __init__(self, traffic: TrafficProbe, new_tracer: Callable[[], AllocationTracer]) -> None:
        self._traffic = traffic
        self._new_tracer = new_tracer
        self._closing = threading.Event()

    def close(self) -> None:
        """End the window that is open, if one is: the worker leaves."""
        self._closing.set()

    def trace_window(self, probe_request: ProbeRequest) -> ProbeResult:
        """Return the lines whose allocations outlive the window that *probe_request* wants."""
        headroom = read_headroom()
        free = headroom.limit - headroom.used
        if headroom.limit and free < MIN_FREE_BYTES:
            problem = NO_ROOM.format(free // 1_000_000, MIN_FREE_BYTES // 1_000_000)
            return ProbeResult(ask=probe_request.id, problem=problem)
        tracer = self._new_tracer()
        problem = tracer.start()
        if problem:
            return ProbeResult(ask=probe_request.id, problem=problem)
        found = self._trace(tracer, probe_request.requests or DEFAULT_REQUESTS)
        if not found.requests:
            return ProbeResult(ask=probe_request.id, problem=NO_REQUESTS.format(found.seconds))
        return ProbeResult(ask=probe_request.id, window=found)

    def _trace(self, tracer: AllocationTracer, requests: int) -> AllocationWindow:
        before = process.read_memory().anonymous
        started, first = time.monotonic(), self._traffic.requests
        lines = AllocationLines()
        try:
            self._wait_for_requests(tracer, first, requests, started)
            seconds, served = time.monotonic() - started, self._traffic.requests - first
            grown = process.read_memory().anonymous - before - tracer.overhead()
        finally:
            tracer.stop(lines)
        return AllocationWindow(
            method=tracer.name,
            requests=served,
            seconds=round(seconds, 3),
            grown=grown,
            lines=lines.largest(),
        )

    def _wait_for_requests(
        self, tracer: AllocationTracer, first: int, requests: int, started: float
    ) -> None:
        while _stays_open(self._traffic.requests - first, requests, time.monotonic() - started):
            if tracer.is_full() or self._closing.wait(POLL_SECONDS):
                break
        deadline = time.monotonic() + MAX_IDLE_WAIT_SECONDS
        while self._traffic.in_flight and time.monotonic() < deadline:
            if self._closing.wait(POLL_SECONDS / 10):
                break
        collects = gc.isenabled() and gc.get_threshold()[0]
        if collects and sys.getallocatedblocks() < MAX_COLLECTED_BLOCKS:
            gc.collect()


def _stays_open(served: int, max_requests: int, seconds: float) -> bool:
    """Return whether a window stays open that has *served* requests of those *max_requests*."""
    if served >= max_requests or seconds >= MAX_WINDOW_SECONDS:
        return False
    return served < MIN_REQUESTS or seconds < SHORTENED_AFTER_SECONDS
