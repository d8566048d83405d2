"""Takes what a probe itself added to a worker's memory out of a series of its levels.

A window of allocations or a walk of the heap needs memory of the worker while it lasts, and leaves
some of it free in the allocator. What leaks goes on meanwhile, as fast as before and after.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby, pairwise
from operator import attrgetter
from typing import NamedTuple

from bugsly_server.clock import Micros
from bugsly_server.model.time_series import MemoryPoint

MAX_PROBED_PART = 0.5
"""Of a life's requests: where more was probed, the rest of it says too little of its growth."""


MIN_REQUESTS_PER_SIDE = 100
"""Requests on one side of a probe from which the growth of memory there is known."""


class ProbeSpan(NamedTuple):
    """A time in which a worker was probed."""

    begin: Micros
    end: Micros


class MemoryLevel(NamedTuple):
    """What a worker had at one moment."""

    at: Micros
    requests: int
    bytes: int
    """Or blocks."""


def subtract_probe_memory(
    points: Sequence[MemoryPoint], spans: Sequence[ProbeSpan]
) -> list[MemoryPoint]:
    """Return *points*, one worker's life in order, with what its probes added taken out."""
    if not spans:
        return list(points)
    added = probe_memory([MemoryLevel(one.at, one.requests, one.last) for one in points], spans)
    return [
        point._replace(low=point.low - extra, last=point.last - extra, high=point.high - extra)
        for point, extra in zip(points, added, strict=True)
    ]


def probe_memory(levels: Sequence[MemoryLevel], spans: Sequence[ProbeSpan]) -> list[int]:
    """Return by how much each of *levels* is higher than without the probes of *spans*."""
    changes = [_LevelChange(before, after, spans) for before, after in pairwise(levels)]
    unprobed = [change for change in changes if not change.is_probed]
    requests = sum(change.requests for change in unprobed)
    if len(unprobed) == len(changes) or requests <= MAX_PROBED_PART * sum(
        one.requests for one in changes
    ):
        return [0] * len(levels)
    surplus: list[int] = []
    unprobed_before = 0
    for is_probed, section_changes in groupby(changes, attrgetter("is_probed")):
        section = list(section_changes)
        if is_probed:
            rate = _growth_rate(unprobed[:unprobed_before], unprobed[unprobed_before:])
            surplus += [round(change.gain - rate * change.requests) for change in section]
        else:
            unprobed_before += len(section)
            surplus += [0] * len(section)
    return [max(0, extra) for extra in accumulate(surplus, initial=0)]


class _LevelChange:
    """From one level to the next."""

    def __init__(self, before: MemoryLevel, after: MemoryLevel, spans: Sequence[ProbeSpan]) -> None:
        self.gain = after.bytes - before.bytes
        self.requests = max(0, after.requests - before.requests)
        self.is_probed = any(before.at < one.end and after.at > one.begin for one in spans)


def _growth_rate(before: Sequence[_LevelChange], after: Sequence[_LevelChange]) -> float:
    """Return the bytes per request that were gained near by, on the side that gained less.

    What leaks does on both; what fills has stopped after, what warms up was faster before.
    """
    sides = [before[len(before) // 2 :], after[: (len(after) + 1) // 2]]
    rates = [
        sum(change.gain for change in side) / requests
        for side in sides
        if (requests := sum(change.requests for change in side)) >= MIN_REQUESTS_PER_SIDE
    ]
    return max(0.0, min(rates, default=0.0))
