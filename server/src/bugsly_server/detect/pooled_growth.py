"""Pools the growth of many short-lived workers, so that max_requests hides no leak."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bugsly_server.detect.trend_statistics import median
from bugsly_server.detect.worker_growth import MIN_GROWTH_BYTES, MIN_KENDALL_Z, MIN_LAST_HALF_RATIO
from bugsly_server.model.growth import GrowthAxis, GrowthTrend
from bugsly_server.model.worker import Worker

MIN_LIVES = 8
MIN_AGREEING_PART = 0.75
"""The share of lives that have to point up."""
STEPS_PER_LIFE = 15
"""From block to block in one life."""


def pool_growth(lives: Sequence[Worker]) -> GrowthTrend | None:
    """Return the growth that *lives*, ended workers of the same code, show together, if any.

    Each worker is one measurement of the slope; their median is the growth. All their steps
    together decide whether it is real: z comes from a sign test, which neither wandering nor
    jumping memory passes. Workers that slow down towards their end are warm-ups.
    """
    trends = [
        life.growth
        for life in lives
        if life.growth is not None and life.growth.axis is GrowthAxis.REQUESTS
    ]
    if len(trends) < MIN_LIVES:
        return None
    slopes = sorted(trend.slope for trend in trends)
    rises = sum(trend.rises for trend in trends) / len(trends)
    z = (2 * rises - 1) * math.sqrt(STEPS_PER_LIFE * len(trends))
    span = sum(trend.span for trend in trends)
    total = median(slopes) * span
    are_pointing_up = sum(slope > 0 for slope in slopes) >= MIN_AGREEING_PART * len(trends)
    last = median(sorted(trend.last for trend in trends))
    slows_down = last <= MIN_LAST_HALF_RATIO * median(slopes)
    if (
        not are_pointing_up
        or z < MIN_KENDALL_Z
        or slows_down
        or total < MIN_GROWTH_BYTES * MIN_LIVES
    ):
        return None
    return GrowthTrend(
        axis=GrowthAxis.REQUESTS,
        slope=median(slopes),
        low=slopes[len(slopes) // 4],
        high=slopes[(3 * len(slopes)) // 4],
        z=z,
        rises=rises,
        last=last,
        total=round(total),
        span=span,
    )
