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
from bugsly_server.model.series import Point

MOST_PROBED = 0.5
"""Of a life's requests: where more was probed, the rest of it says too little of its growth."""


ENOUGH = 100
"""Requests on one side of a probe that tell how fast memory grows there."""


class Span(NamedTuple):
    """A time in which a worker was probed."""

    begin: Micros
    end: Micros


class Level(NamedTuple):
    """What a worker had at one moment."""

    at: Micros
    requests: int
    bytes: int
    """Or blocks."""


def without_probes(points: Sequence[Point], spans: Sequence[Span]) -> list[Point]:
    """Return *points*, one worker's life in order, with what its probes added taken out."""
    if not spans:
        return list(points)
    added = added_by_probes([Level(one.at, one.requests, one.last) for one in points], spans)
    return [
        point._replace(low=point.low - more, last=point.last - more, high=point.high - more)
        for point, more in zip(points, added, strict=True)
    ]


def added_by_probes(levels: Sequence[Level], spans: Sequence[Span]) -> list[int]:
    """Return by how much each of *levels* is higher than without the probes of *spans*."""
    steps = [_Step(before, after, spans) for before, after in pairwise(levels)]
    outside = [step for step in steps if not step.is_probed]
    requests = sum(step.requests for step in outside)
    if len(outside) == len(steps) or requests <= MOST_PROBED * sum(one.requests for one in steps):
        return [0] * len(levels)
    surplus: list[int] = []
    passed = 0
    for is_probed, together in groupby(steps, attrgetter("is_probed")):
        run = list(together)
        if is_probed:
            pace = _pace(outside[:passed], outside[passed:])
            surplus += [round(step.gain - pace * step.requests) for step in run]
        else:
            passed += len(run)
            surplus += [0] * len(run)
    return [max(0, more) for more in accumulate(surplus, initial=0)]


class _Step:
    """From one level to the next."""

    def __init__(self, before: Level, after: Level, spans: Sequence[Span]) -> None:
        self.gain = after.bytes - before.bytes
        self.requests = max(0, after.requests - before.requests)
        self.is_probed = any(before.at < one.end and after.at > one.begin for one in spans)


def _pace(before: Sequence[_Step], after: Sequence[_Step]) -> float:
    """Return the bytes per request that were gained near by, on the side that gained less.

    What leaks does on both; what fills has stopped after, what warms up was faster before.
    """
    sides = [before[len(before) // 2 :], after[: (len(after) + 1) // 2]]
    paces = [
        sum(step.gain for step in side) / requests
        for side in sides
        if (requests := sum(step.requests for step in side)) >= ENOUGH
    ]
    return max(0.0, min(paces, default=0.0))
