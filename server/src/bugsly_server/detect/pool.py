"""Adds up many short lives, so that max_requests cannot hide a leak from us."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bugsly_server.detect.growth import FLOOR, LAST_HALF, SURE
from bugsly_server.detect.trend import median
from bugsly_server.model.growth import Axis, Growth
from bugsly_server.model.worker import Worker

MIN_LIVES = 8
AGREEING = 0.75
"""The share of lives that have to point up."""
STEPS = 15
"""From block to block in one life."""


def pool(lives: Sequence[Worker]) -> Growth | None:
    """Return the growth that *lives*, ended ones of the same code, show together, if they do.

    Each life is one measurement of the slope; their median is the growth. Whether it is real is
    asked of all their steps together: z is that of a sign test, which neither a wandering nor a
    jumping memory passes. Lives that slow down towards their end are warm-ups.
    """
    grown = [
        life.growth
        for life in lives
        if life.growth is not None and life.growth.axis is Axis.REQUESTS
    ]
    if len(grown) < MIN_LIVES:
        return None
    slopes = sorted(growth.slope for growth in grown)
    rises = sum(growth.rises for growth in grown) / len(grown)
    z = (2 * rises - 1) * math.sqrt(STEPS * len(grown))
    span = sum(growth.span for growth in grown)
    total = median(slopes) * span
    pointing_up = sum(slope > 0 for slope in slopes) >= AGREEING * len(grown)
    last = median(sorted(growth.last for growth in grown))
    slows_down = last <= LAST_HALF * median(slopes)
    if not pointing_up or z < SURE or slows_down or total < FLOOR * MIN_LIVES:
        return None
    return Growth(
        axis=Axis.REQUESTS,
        slope=median(slopes),
        low=slopes[len(slopes) // 4],
        high=slopes[(3 * len(slopes)) // 4],
        z=z,
        rises=rises,
        last=last,
        total=round(total),
        span=span,
    )
