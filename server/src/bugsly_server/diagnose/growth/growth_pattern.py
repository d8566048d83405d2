"""Judges whether a holder grows steadily, up to a bound, or ever more slowly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class GrowthThreshold(NamedTuple):
    """How much has to be seen before a growth is judged."""

    gained: int
    requests: int


ENTRIES_THRESHOLD = GrowthThreshold(32, 150)
RARE_ENTRIES_THRESHOLD = GrowthThreshold(32, 40)
"""For entries that at most one request in ten adds: many other requests were answered."""
RESOURCES_THRESHOLD = GrowthThreshold(12, 40)
"""For threads, connections and the like: few requests create them, and few stay by accident."""
MIN_HALVES_RATIO = 0.8
"""The least growth of the second half, relative to the first."""
MIN_QUARTER_RATIO = 0.5
"""The least growth of the weakest quarter, relative to the mean quarter."""
MAX_PLATEAU_PART = 1 / 8
"""The part of the requests for which a count may stand still between two readings."""
MIN_NEW_PER_REQUEST = 0.97
"""Entries per request from which every request counts as adding new ones."""
MIN_SIGMAS = 3.0
BOUND_TOLERANCE = 1.05


class GrowthPattern(StrEnum):
    """How a holder grows."""

    EARLY = "early"
    STEADY = "steady"
    FILLING = "filling"
    """It slows down, or may well do so, because its keys repeat."""
    BOUNDED = "bounded"
    STILL = "still"


class HolderPoint(NamedTuple):
    """The count of a holder after a number of driving requests."""

    requests: int
    level: int


class CountGrowth(NamedTuple):
    """How the count of a holder grew in one worker."""

    pattern: GrowthPattern
    gained: int
    requests: int
    final_level: int
    """The count at the end."""

    @property
    def per_request(self) -> float:
        """Return entries per request."""
        return self.gained / self.requests if self.requests else 0.0

    @property
    def is_new_each_request(self) -> bool:
        """Return whether every request adds new entries, and the same number of them."""
        return (
            self.gained > 0
            and self.per_request / math.ceil(self.per_request) >= MIN_NEW_PER_REQUEST
        )


def judge_growth(
    points: Sequence[HolderPoint],
    bound: int | None = None,
    *,
    has_unique_keys: bool = False,
    threshold: GrowthThreshold = ENTRIES_THRESHOLD,
) -> CountGrowth:
    """Return how a holder grows whose counts are *points*, in order.

    A holder that *has_unique_keys* slows down as it runs out of keys, if there is a finite number
    of them. Below *threshold* it is too early to judge.
    """
    if len(points) < 2:
        return CountGrowth(GrowthPattern.EARLY, 0, 0, points[-1].level if points else 0)
    first, last = points[0], points[-1]
    growth = CountGrowth(
        GrowthPattern.STILL, last.level - first.level, last.requests - first.requests, last.level
    )
    pattern = _pattern_of(
        _without_plateaus(points),
        growth,
        bound,
        has_unique_keys=has_unique_keys,
        threshold=threshold,
    )
    return growth._replace(pattern=pattern)


def _without_plateaus(points: Sequence[HolderPoint]) -> list[HolderPoint]:
    """Return *points* without short runs that only repeat the previous count.

    A count that is expensive is not taken in every sample; the last one is repeated in between.
    """
    max_plateau = (points[-1].requests - points[0].requests) * MAX_PLATEAU_PART
    kept = [points[0]]
    last_rise = points[0]
    for point in points[1:-1]:
        if point.level != last_rise.level:
            last_rise = point
        elif point.requests - last_rise.requests < max_plateau:
            continue
        kept.append(point)
    return [*kept, points[-1]]


def _pattern_of(
    points: Sequence[HolderPoint],
    growth: CountGrowth,
    bound: int | None,
    *,
    has_unique_keys: bool,
    threshold: GrowthThreshold,
) -> GrowthPattern:
    if bound is not None and growth.final_level <= bound * BOUND_TOLERANCE:
        return GrowthPattern.BOUNDED
    if growth.requests < threshold.requests:
        return GrowthPattern.EARLY
    if growth.gained < threshold.gained:
        return (
            GrowthPattern.STILL
            if growth.requests > threshold.requests * threshold.gained
            else GrowthPattern.EARLY
        )
    quarters = [_gained_between(points, part / 4, (part + 1) / 4) for part in range(4)]
    early, late = sum(quarters[:2]), sum(quarters[2:])
    if (
        early <= 0
        or late / early < MIN_HALVES_RATIO
        or min(quarters) < MIN_QUARTER_RATIO * growth.gained / 4
    ):
        return GrowthPattern.FILLING if late < early else GrowthPattern.EARLY
    return (
        GrowthPattern.FILLING
        if has_unique_keys and _may_saturate(growth, late / early)
        else GrowthPattern.STEADY
    )


def _gained_between(points: Sequence[HolderPoint], begin: float, end: float) -> float:
    first, last = points[0].requests, points[-1].requests
    low, high = (first + part * (last - first) for part in (begin, end))
    return _level_at(points, high) - _level_at(points, low)


def _level_at(points: Sequence[HolderPoint], requests: float) -> float:
    """Return the count after *requests*, interpolated linearly between two points."""
    before = points[0]
    for point in points:
        if point.requests >= requests:
            width = point.requests - before.requests
            if width <= 0:
                return float(point.level)
            part = (requests - before.requests) / width
            return before.level + part * (point.level - before.level)
        before = point
    return float(points[-1].level)


def _may_saturate(growth: CountGrowth, ratio: float) -> bool:
    """Return whether a finite set of keys explains the growth as well as an infinite one.

    With N keys drawn at random, the share of new keys after x draws is
    (1 - exp(-u)) / u with u = x / N, and the second half brings exp(-u / 2) of the first.
    """
    if growth.is_new_each_request:
        return False
    new = growth.per_request / math.ceil(growth.per_request)
    doubt = ratio * math.sqrt(4 / growth.gained)
    return abs(ratio - 1) > abs(ratio - math.exp(-_draws_per_key(new) / 2)) or (
        1 - math.exp(-_draws_per_key(new) / 2) < MIN_SIGMAS * doubt
    )


def _draws_per_key(new: float) -> float:
    """Return u with (1 - exp(-u)) / u = *new*."""
    low, high = 1e-6, 60.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 - math.exp(-middle)) / middle > new else (low, middle)
    return low
