"""Calls something again and again, and says what is still there afterwards.

It counts objects, as the heap probe does in production, so that the result does not depend on the
machine. What a cache keeps that still fills up to its own bound is no leak.
"""

from __future__ import annotations

import gc
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from bugsly.heap.snapshot import SnapshotFailed, take_snapshot
from bugsly.heap.snapshot_comparison import (
    HeapObservation,
    growing_holders,
    growing_unreachable,
)
from bugsly.heap.walk_result import decode_walk_result
from bugsly.heap.walk_roots import walk_roots, with_defining_module
from bugsly.heap.walker_choice import best_walker
from bugsly.probes.allocation_lines import AllocationLines
from bugsly.probes.tracemalloc_tracer import TracemallocTracer
from bugsly.testing.known_bounds import is_still_filling
from bugsly.testing.leak_text import describe_leak

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from bugsly.protocol.evidence import AllocationSite, HeapHolder, UnreachableObjects

DEFAULT_CALLS = 200
MIN_CALLS = 30
"""Calls below which a growth of one object per call cannot be told from noise."""
WARM_UP_PART = 0.25
"""Calls before the first snapshot, as a part of the others: they fill what is made only once."""
MIN_WARM_UP_CALLS = 20
SNAPSHOT_COUNT = 4
TRACED_CALLS = 60
MIN_TRACED_PART = 0.2
"""Allocations of a line, per call: Python reuses freed objects of its own, which no trace shows."""
TEST_TOOLS = ("_pytest", "pytest", "pluggy", "xdist", "coverage", "hypothesis", "unittest")
"""Packages whose objects live as long as the test does: records of its log, for one."""


class LeakFound(AssertionError):
    """Something grew with every call; the text names the holder, the line and a fix."""


class NothingMeasured(Exception):
    """Nothing can be said about growth; the text says why in one sentence."""


class MeasuredGrowth(NamedTuple):
    """What grew evenly, over so many *calls*."""

    calls: int
    holders: tuple[HeapHolder, ...]
    unreachable: tuple[UnreachableObjects, ...]


def call_without_leak(
    call: Callable[[], object], *, calls: int = DEFAULT_CALLS, max_bytes_per_call: float = 0.0
) -> None:
    """Call *call* over and over; raise `LeakFound` if too much of each call remains.

    That is more than *max_bytes_per_call* in one holder. Raises `NothingMeasured` where the heap
    cannot be walked.
    """
    __tracebackhide__ = True
    for _ in _growth_steps(calls, max_bytes_per_call):
        call()


async def await_without_leak(
    call: Callable[[], Awaitable[object]],
    *,
    calls: int = DEFAULT_CALLS,
    max_bytes_per_call: float = 0.0,
) -> None:
    """Do as `call_without_leak`, and await what *call* returns."""
    __tracebackhide__ = True
    for _ in _growth_steps(calls, max_bytes_per_call):
        await call()


def _growth_steps(calls: int, max_bytes_per_call: float) -> Generator[None]:
    """Yield whenever the next call is due; raise `LeakFound` at the end if something grew."""
    __tracebackhide__ = True
    if calls < MIN_CALLS:
        raise NothingMeasured(f"{calls} calls show no growth → let it be called {MIN_CALLS} times")
    yield from _repeat(max(MIN_WARM_UP_CALLS, round(WARM_UP_PART * calls)))
    encoded_results: tuple[bytes, ...] = ()
    walker = best_walker()
    calls_at = [calls * index // (SNAPSHOT_COUNT - 1) for index in range(SNAPSHOT_COUNT)]
    for earlier, due in pairwise([0, *calls_at]):
        yield from _repeat(due - earlier)
        gc.collect()
        try:
            taken = take_snapshot(walker, walk_roots(()), _sleep, earlier_results=encoded_results)
        except SnapshotFailed as failed:
            raise NothingMeasured(str(failed)) from None
        encoded_results = taken.encoded_results
    observations = list(map(HeapObservation, calls_at, map(decode_walk_result, encoded_results)))
    grown = _growth_beyond(observations, max_bytes_per_call)
    if grown.holders or grown.unreachable:
        lines = yield from _trace_lines()
        raise LeakFound(describe_leak(grown, lines))


def _repeat(count: int) -> Generator[None]:
    for _ in range(count):
        yield


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _growth_beyond(
    observations: Sequence[HeapObservation], max_bytes_per_call: float
) -> MeasuredGrowth:
    """Return what grew by more than *max_bytes_per_call*, and has no bound."""
    calls = observations[-1].requests
    max_bytes = max_bytes_per_call * calls
    holders = [
        with_defining_module(one)
        for one in growing_holders(observations)
        if not _belongs_to_test_tools(one) and one.retained[-1] - one.retained[0] > max_bytes
    ]
    return MeasuredGrowth(
        calls=calls,
        holders=tuple(one for one in holders if not is_still_filling(one)),
        unreachable=tuple(
            one
            for one in growing_unreachable(observations, collected=True)
            if one.bytes[-1] - one.bytes[0] > max_bytes
        ),
    )


def _belongs_to_test_tools(holder: HeapHolder) -> bool:
    names = [name for hop in holder.hops for name in (hop.name, hop.type)]
    return any(name.partition(".")[0] in TEST_TOOLS for name in names)


def _trace_lines() -> Generator[None, Any, tuple[AllocationSite, ...]]:
    """Yield for more calls, and return the lines whose allocations outlive them."""
    tracer, lines = TracemallocTracer(), AllocationLines()
    if tracer.start():
        return ()
    try:
        yield from _repeat(TRACED_CALLS)
        gc.collect()
    finally:
        tracer.stop(lines)
    return tuple(
        line
        for line in lines.largest()
        if line.count >= MIN_TRACED_PART * TRACED_CALLS and not _is_of_test(line.site)
    )


def _is_of_test(site: str) -> bool:
    """Return whether *site* is a line of a test, or of no application: the test makes the calls."""
    file = site.rpartition(":")[0].rpartition("/")[2]
    return (
        not file or file == "conftest.py" or file.startswith("test_") or file.endswith("_test.py")
    )
