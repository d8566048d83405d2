"""Adds up many short lives, so that max_requests cannot hide a leak from us."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bugsly_server.detect.growth import FLOOR, SURE
from bugsly_server.detect.trend import median
from bugsly_server.model.growth import Axis, Growth, Verdict
from bugsly_server.model.worker import Worker

MIN_LIVES = 6
AGREEING = 0.75
"""The share of lives that have to point up, and not to have levelled off."""


def pool(lives: Sequence[Worker]) -> Growth | None:
    """Return the growth that *lives* of the same code show together, None if they do not.

    Each life is one measurement: its slope, its z and the requests it rests on. The slopes'
    median is the growth; Stouffer's method with weights of the square root of requests gives
    the common z (Stouffer 1949, weights after Lipták 1958).
    """
    known = [life.growth for life in lives if life.growth is not None]
    grown = [growth for growth in known if growth.axis is Axis.REQUESTS and growth.span > 0]
    if len(grown) < MIN_LIVES:
        return None
    rising = sum(
        1
        for life in lives
        if life.growth is not None
        and life.growth.slope > 0
        and life.judgement.verdict is not Verdict.LEVELLED
    )
    z = _stouffer([growth.z for growth in grown], [math.sqrt(growth.span) for growth in grown])
    slopes = sorted(growth.slope for growth in grown)
    span = sum(growth.span for growth in grown)
    total = median(slopes) * span
    if rising < AGREEING * len(grown) or z < SURE or total < FLOOR * MIN_LIVES:
        return None
    return Growth(
        axis=Axis.REQUESTS,
        slope=median(slopes),
        low=slopes[len(slopes) // 4],
        high=slopes[(3 * len(slopes)) // 4],
        z=z,
        total=round(total),
        span=span,
    )


def _stouffer(zs: Sequence[float], weights: Sequence[float]) -> float:
    return sum(z * w for z, w in zip(zs, weights, strict=True)) / math.sqrt(
        sum(w * w for w in weights)
    )
