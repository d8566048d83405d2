"""Judges one worker by its own series: early, steady, levelled off, or growing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bugsly_server.clock import HOUR, Micros, has_passed
from bugsly_server.detect.level_blocks import LevelBlock, after_boot, level_blocks
from bugsly_server.detect.trend_statistics import mann_kendall, theil_sen
from bugsly_server.model.growth import GrowthAxis, GrowthJudgement, GrowthTrend, GrowthVerdict
from bugsly_server.model.time_series import MemoryPoint
from bugsly_server.model.units import count, size

MIN_POINTS = 16
MIN_BLOCKS = 10
MIN_REQUESTS = 200
MIN_HOURS = 1.0
MIN_KENDALL_Z = 2.6
MIN_GROWTH_BYTES = 4_000_000
MIN_GROWTH_PART = 0.03
MIN_LAST_HALF_RATIO = 0.85
"""Of the whole slope; an exponential warm-up falls below it after four fifths of its constant."""
MIN_RISING_PART = 0.75
"""The share of steps from block to block that go up. What leaks goes up with every block; memory
that jumps and stays, or wanders, goes up with half of them however far it gets."""
FIRST_JUDGEMENT_REQUESTS = 400
NEXT_JUDGEMENT_FACTOR = 1.15
"""Looks come at geometrically growing numbers of requests. A test that is repeated after every
sample rejects a true hypothesis sooner or later; in a million requests this one asks 57 times."""
MIN_HITS = 2
"""And it has to say so twice in a row before anything is opened."""
MAX_JUDGEMENT_GAP: Micros = HOUR // 2
"""For a worker that serves no requests."""


def is_due(requests: int, judged_requests: int, now: Micros, judged_at: Micros) -> bool:
    """Return whether a worker has done enough since its last judgement to be judged again."""
    if requests >= max(FIRST_JUDGEMENT_REQUESTS, judged_requests * NEXT_JUDGEMENT_FACTOR):
        return True
    return has_passed(MAX_JUDGEMENT_GAP, judged_at, now)


def judge_worker(points: Sequence[MemoryPoint], started_at: Micros) -> GrowthJudgement:
    """Return what *points*, the whole life of one worker in order, say about it."""
    points = after_boot(points, started_at)
    axis = _axis(points)
    levels = level_blocks(points, axis) if axis is not None else []
    if axis is None or len(points) < MIN_POINTS or len(levels) < MIN_BLOCKS:
        return GrowthJudgement(verdict=GrowthVerdict.EARLY, because=_early_reason(points))
    growth = measure_growth(levels, axis)
    change = f"{size(growth.total, signed=True)} over {_format_span(growth)}"
    if growth.z < MIN_KENDALL_Z or growth.total < max(
        MIN_GROWTH_BYTES, MIN_GROWTH_PART * levels[0].y
    ):
        verdict, because = GrowthVerdict.STEADY, f"its memory moved by {change}"
    elif growth.last <= MIN_LAST_HALF_RATIO * growth.slope:
        verdict, because = (
            GrowthVerdict.LEVELLED,
            f"it grew by {change}, and slows down or has stopped",
        )
    elif growth.rises < MIN_RISING_PART:
        verdict, because = GrowthVerdict.STEADY, f"its memory moved by {change}, up and down"
    else:
        verdict, because = GrowthVerdict.GROWING, f"it grew by {change}, and to the end"
    return GrowthJudgement(verdict=verdict, because=because, growth=growth)


def measure_growth(levels: Sequence[LevelBlock], axis: GrowthAxis) -> GrowthTrend:
    """Return the growth that *levels* show, significant or not."""
    xs, ys = [level.x for level in levels], [level.y for level in levels]
    slope = theil_sen(xs, ys)
    half = len(levels) // 2
    steps = [later > earlier for earlier, later in pairwise(ys)]
    span = xs[-1] - xs[0]
    return GrowthTrend(
        axis=axis,
        slope=slope.value,
        low=slope.low,
        high=slope.high,
        z=mann_kendall(ys),
        rises=sum(steps) / len(steps),
        last=theil_sen(xs[half:], ys[half:]).value,
        total=round(slope.value * span),
        span=span,
    )


def _axis(points: Sequence[MemoryPoint]) -> GrowthAxis | None:
    """Return requests where enough were served, time where enough passed without them."""
    if not points:
        return None
    if points[-1].requests - points[0].requests >= MIN_REQUESTS:
        return GrowthAxis.REQUESTS
    return GrowthAxis.TIME if (points[-1].at - points[0].at) / HOUR >= MIN_HOURS else None


def _format_span(growth: GrowthTrend) -> str:
    if growth.axis is GrowthAxis.REQUESTS:
        return f"{count(round(growth.span))} requests"
    return f"{growth.span:.1f} hours"


def _early_reason(points: Sequence[MemoryPoint]) -> str:
    seen = points[-1].requests - points[0].requests if points else 0
    if seen < MIN_REQUESTS:
        return f"{count(seen)} of {MIN_REQUESTS} requests seen after its start"
    return f"{len(points)} of {MIN_POINTS} samples seen after its start"
