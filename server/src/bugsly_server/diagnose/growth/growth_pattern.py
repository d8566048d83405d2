"""Whether a holder goes on growing: steadily, up to a bound, or ever slower."""

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
"""Entries that one request in ten brings, or fewer: many more were answered meanwhile."""
RESOURCES_THRESHOLD = GrowthThreshold(12, 40)
"""Threads, connections and the like are made by few requests, and stay by accident even less."""
MIN_HALVES_RATIO = 0.8
"""Growth of the second half beside that of the first."""
MIN_QUARTER_RATIO = 0.5
"""Growth of the weakest quarter beside that of the mean one."""
MAX_PLATEAU_PART = 1 / 8
"""The part of a life for which a count may stand still between two readings of it."""
MIN_NEW_PER_REQUEST = 0.97
"""Entries per request, from which on every request is said to bring new ones."""
MIN_SIGMAS = 3.0
BOUND_TOLERANCE = 1.05


class GrowthPattern(StrEnum):
    """How a holder grows."""

    EARLY = "early"
    STEADY = "steady"
    FILLING = "filling"
    """It slows down, or may well do so: it meets things it has met before."""
    BOUNDED = "bounded"
    STILL = "still"


class HolderPoint(NamedTuple):
    """What a holder held after so many requests of those that drive it."""

    requests: int
    level: int


class LifeGrowth(NamedTuple):
    """A holder's growth over a life."""

    pattern: GrowthPattern
    gained: int
    requests: int
    final_level: int
    """At the end."""

    @property
    def per_request(self) -> float:
        """Return entries per request."""
        return self.gained / self.requests if self.requests else 0.0

    @property
    def is_new_each_request(self) -> bool:
        """Return whether every request brings new entries, and the same number of them."""
        return (
            self.gained > 0
            and self.per_request / math.ceil(self.per_request) >= MIN_NEW_PER_REQUEST
        )


def judge_growth(
    points: Sequence[HolderPoint],
    bound: int | None = None,
    *,
    keyed: bool = False,
    threshold: GrowthThreshold = ENTRIES_THRESHOLD,
) -> LifeGrowth:
    """Return how a holder grows that held what *points* say, in order.

    A *keyed* one keeps nothing twice: where its keys come from a finite stock, it slows down the
    nearer it comes to having met them all. Below *threshold* it is too early.
    """
    if len(points) < 2:
        return LifeGrowth(GrowthPattern.EARLY, 0, 0, points[-1].level if points else 0)
    first, last = points[0], points[-1]
    growth = LifeGrowth(
        GrowthPattern.STILL, last.level - first.level, last.requests - first.requests, last.level
    )
    pattern = _pattern_of(
        _without_plateaus(points), growth, bound, keyed=keyed, threshold=threshold
    )
    return growth._replace(pattern=pattern)


def _without_plateaus(points: Sequence[HolderPoint]) -> list[HolderPoint]:
    """Return *points* without those that only repeat the count before, for a short stretch.

    What is dear to count is not counted in every sample; in between the last count is told again.
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
    growth: LifeGrowth,
    bound: int | None,
    *,
    keyed: bool,
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
        if keyed and _may_saturate(growth, late / early)
        else GrowthPattern.STEADY
    )


def _gained_between(points: Sequence[HolderPoint], begin: float, end: float) -> float:
    first, last = points[0].requests, points[-1].requests
    low, high = (first + part * (last - first) for part in (begin, end))
    return _level_at(points, high) - _level_at(points, low)


def _level_at(points: Sequence[HolderPoint], requests: float) -> float:
    """Return the count after *requests*, between two places by a straight line."""
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


def _may_saturate(growth: LifeGrowth, ratio: float) -> bool:
    """Return whether a finite stock of keys explains the growth as well as an endless one.

    With a stock of N keys drawn at random, the share of new ones after x draws is
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
