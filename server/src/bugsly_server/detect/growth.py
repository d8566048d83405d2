"""Judges one worker by its own series: early, steady, levelled off, or growing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bugsly_server.clock import HOUR, Micros
from bugsly_server.detect.blocks import Block, after_boot, blocks
from bugsly_server.detect.trend import mann_kendall, theil_sen
from bugsly_server.model.growth import Axis, Growth, Judgement, Verdict
from bugsly_server.model.series import Point
from bugsly_server.model.units import count, size

MIN_POINTS = 16
MIN_BLOCKS = 10
MIN_REQUESTS = 200
MIN_HOURS = 1.0
SURE = 2.6
FLOOR = 4_000_000
FLOOR_SHARE = 0.03
LAST_HALF = 0.85
"""Of the whole slope; an exponential warm-up falls below it after four fifths of its constant."""
STEADILY = 0.75
"""The share of steps from block to block that go up. What leaks goes up with every block; memory
that jumps and stays, or wanders, goes up with half of them however far it gets."""
FIRST_LOOK = 400
NEXT_LOOK = 1.15
"""Looks come at geometrically growing numbers of requests. A test that is repeated after every
sample rejects a true hypothesis sooner or later; in a million requests this one asks 57 times."""
HITS = 2
"""And it has to say so twice in a row before anything is opened."""
LOOK_ON_TIME: Micros = HOUR // 2
"""For a worker whose requests stand still."""


def is_due(requests: int, judged_requests: int, now: Micros, judged_at: Micros) -> bool:
    """Return whether a worker has done enough since the last look to deserve another."""
    if requests >= max(FIRST_LOOK, judged_requests * NEXT_LOOK):
        return True
    return now - judged_at >= LOOK_ON_TIME


def judge(points: Sequence[Point], started_at: Micros) -> Judgement:
    """Return what *points*, the whole life of one worker in order, say about it."""
    points = after_boot(points, started_at)
    axis = _axis(points)
    levels = blocks(points, axis) if axis is not None else []
    if axis is None or len(points) < MIN_POINTS or len(levels) < MIN_BLOCKS:
        return Judgement(verdict=Verdict.EARLY, because=_too_early(points))
    growth = measure(levels, axis)
    moved = f"{size(growth.total, signed=True)} over {_span(growth)}"
    if growth.z < SURE or growth.total < max(FLOOR, FLOOR_SHARE * levels[0].y):
        verdict, because = Verdict.STEADY, f"its memory moved by {moved}"
    elif growth.last <= LAST_HALF * growth.slope:
        verdict, because = Verdict.LEVELLED, f"it grew by {moved}, and slows down or has stopped"
    elif growth.rises < STEADILY:
        verdict, because = Verdict.STEADY, f"its memory moved by {moved}, up and down"
    else:
        verdict, because = Verdict.GROWING, f"it grew by {moved}, and to the end"
    return Judgement(verdict=verdict, because=because, growth=growth)


def measure(levels: Sequence[Block], axis: Axis) -> Growth:
    """Return the growth that *levels* show, significant or not."""
    xs, ys = [level.x for level in levels], [level.y for level in levels]
    slope = theil_sen(xs, ys)
    half = len(levels) // 2
    steps = [later > earlier for earlier, later in pairwise(ys)]
    span = xs[-1] - xs[0]
    return Growth(
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


def _axis(points: Sequence[Point]) -> Axis | None:
    """Return requests where enough were served, time where enough passed without them."""
    if not points:
        return None
    if points[-1].requests - points[0].requests >= MIN_REQUESTS:
        return Axis.REQUESTS
    return Axis.TIME if (points[-1].at - points[0].at) / HOUR >= MIN_HOURS else None


def _span(growth: Growth) -> str:
    if growth.axis is Axis.REQUESTS:
        return f"{count(round(growth.span))} requests"
    return f"{growth.span:.1f} hours"


def _too_early(points: Sequence[Point]) -> str:
    seen = points[-1].requests - points[0].requests if points else 0
    if seen < MIN_REQUESTS:
        return f"{count(seen)} of {MIN_REQUESTS} requests seen after its start"
    return f"{len(points)} of {MIN_POINTS} samples seen after its start"
