"""Traces allocations for a counted number of requests, and tells which outlive them.

No request at the beginning is passed over: a worker is only asked when it has grown steadily, so
it is warm; and the window ends when no request is in flight, so that none leaves its own behind.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from bugsly.probes import process
from bugsly.probes.limit import read_headroom
from bugsly.probes.lines import Lines
from bugsly.probes.tracer import PythonTracer
from bugsly.protocol.evidence import Answer, Window

if TYPE_CHECKING:
    from bugsly.probes.traffic import TrafficProbe
    from bugsly.protocol.evidence import Ask

LONGEST = 60.0
"""Seconds."""
LONG = 10.0
"""Seconds after which fewer requests have to do: tracing makes this worker slow."""
ENOUGH = 30
"""Requests that do then."""
USUAL = 300
"""Requests, where the ask names no number."""
PAUSE = 0.05
REST = 1.0
"""Seconds to wait at the end for a moment without a request in flight."""
ROOM = 150_000_000
"""Bytes below the limit of memory that have to be free."""
COLLECTED_UP_TO = 2_000_000
"""Blocks of Python's allocator: in a larger heap a full collection stops the app for too long."""
NO_ROOM = "the window was refused: {} MB are free below the limit of memory, {} MB are needed"
NOTHING = "no request came in {:.0f} s → ask again when there is traffic"


class Tracer(Protocol):
    """Follows allocations of this process from its start to its end."""

    name: str

    def start(self) -> str:
        """Begin; return why that is not possible, nothing when it is."""

    def is_full(self) -> bool:
        """Return whether it holds as much as it may."""

    def overhead(self) -> int:
        """Return the bytes that tracing takes, as far as it knows."""

    def stop(self, lines: Lines) -> None:
        """End, and add what is still allocated to *lines*."""


class WindowProbe:
    """Opens a window in this worker when asked."""

    def __init__(self, traffic: TrafficProbe) -> None:
        self._traffic = traffic
        self._closing = threading.Event()

    def close(self) -> None:
        """End the window that is open, if one is: the worker leaves."""
        self._closing.set()

    def watch(self, ask: Ask) -> Answer:
        """Return the lines whose allocations outlive the window that *ask* wants."""
        headroom = read_headroom()
        free = headroom.limit - headroom.used
        if headroom.limit and free < ROOM:
            problem = NO_ROOM.format(free // 1_000_000, ROOM // 1_000_000)
            return Answer(ask=ask.id, problem=problem)
        tracer = _tracer()
        problem = tracer.start()
        if problem:
            return Answer(ask=ask.id, problem=problem)
        found = self._open(tracer, ask.requests or USUAL)
        if not found.requests:
            return Answer(ask=ask.id, problem=NOTHING.format(found.seconds))
        return Answer(ask=ask.id, window=found)

    def _open(self, tracer: Tracer, requests: int) -> Window:
        before = process.read_memory().anonymous
        begun, first = time.monotonic(), self._traffic.requests
        lines = Lines()
        try:
            self._wait(tracer, first, requests, begun)
            seconds, served = time.monotonic() - begun, self._traffic.requests - first
            grown = process.read_memory().anonymous - before - tracer.overhead()
        finally:
            tracer.stop(lines)
        return Window(
            method=tracer.name,
            requests=served,
            seconds=round(seconds, 3),
            grown=grown,
            lines=lines.biggest(),
        )

    def _wait(self, tracer: Tracer, first: int, requests: int, begun: float) -> None:
        while _goes_on(self._traffic.requests - first, requests, time.monotonic() - begun):
            if tracer.is_full() or self._closing.wait(PAUSE):
                break
        deadline = time.monotonic() + REST
        while self._traffic.in_flight and time.monotonic() < deadline:
            if self._closing.wait(PAUSE / 10):
                break
        collects = gc.isenabled() and gc.get_threshold()[0]
        if collects and sys.getallocatedblocks() < COLLECTED_UP_TO:
            gc.collect()


def _goes_on(served: int, wanted: int, seconds: float) -> bool:
    """Return whether a window stays open that has *served* requests of those *wanted*."""
    if served >= wanted or seconds >= LONGEST:
        return False
    return served < ENOUGH or seconds < LONG


def _tracer() -> Tracer:
    """Return memray, which sees what C code allocates too, where the app has it."""
    if find_spec("memray") is not None:
        from bugsly.integrations.memray import MemrayTracer

        return MemrayTracer()
    return PythonTracer()
