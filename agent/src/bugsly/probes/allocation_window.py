"""Traces allocations over a number of requests, for a probe request, and finds what outlives them.

It needs no warm-up: a probe request goes to a worker that has grown steadily, so it is warm. The
window ends when no request is in flight, so that none of its allocations count.
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
SHORTENED_AFTER_SECONDS = 10.0
"""Seconds after which `MIN_REQUESTS` are enough: tracing slows this worker down."""
MIN_REQUESTS = 30
DEFAULT_REQUESTS = 300
"""Requests if the probe request does not give a number."""
POLL_SECONDS = 0.05
MAX_IDLE_WAIT_SECONDS = 1.0
"""Seconds to wait at the end for a moment without a request in flight."""
MIN_FREE_BYTES = 150_000_000
"""Bytes that have to be free below the limit of memory."""
MAX_COLLECTED_BLOCKS = 2_000_000
"""Blocks of Python's allocator; a full collection of a larger heap stops the app for too long."""
NO_ROOM = "the window was refused: {} MB are free below the limit of memory, {} MB are needed"
NO_REQUESTS = "no request came in {:.0f} s → ask again when there is traffic"


class AllocationTracer(Protocol):
    """Traces the allocations of this process from `start` to `stop`."""

    name: str

    def start(self) -> str:
        """Start tracing; return the problem that prevents it, else an empty text."""

    def is_full(self) -> bool:
        """Return whether it has reached its limit of memory."""

    def overhead(self) -> int:
        """Return the bytes that tracing takes, as far as they are known."""

    def stop(self, lines: AllocationLines) -> None:
        """Stop tracing, and add what is still allocated to *lines*."""


class AllocationWindowProbe:
    """Opens an allocation window in this worker for a probe request."""

    def __init__(self, traffic: TrafficProbe, new_tracer: Callable[[], AllocationTracer]) -> None:
        self._traffic = traffic
        self._new_tracer = new_tracer
        self._closing = threading.Event()

    def close(self) -> None:
        """Close the window that is open, if any: the worker is exiting."""
        self._closing.set()

    def trace_window(self, probe_request: ProbeRequest) -> ProbeResult:
        """Return the lines whose allocations outlive the window that *probe_request* describes."""
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
    """Return whether a window that has *served* so many of *max_requests* stays open."""
    if served >= max_requests or seconds >= MAX_WINDOW_SECONDS:
        return False
    return served < MIN_REQUESTS or seconds < SHORTENED_AFTER_SECONDS
