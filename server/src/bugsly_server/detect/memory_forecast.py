"""When memory runs out on one machine, if its workers go on as they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bugsly_server.clock import HOUR, SECOND
from bugsly_server.model.growth import GrowthAxis, GrowthTrend
from bugsly_server.model.issue import MemoryForecast
from bugsly_server.model.worker import Worker


class GrowthSpeed(NamedTuple):
    """Bytes per second that a worker gains, and what they may be at the least and at the most."""

    expected: float
    slowest: float
    fastest: float


def forecast_limit(growing: Sequence[Worker]) -> MemoryForecast | None:
    """Return when the machine of *growing*, workers that share one, reaches its limit.

    Headroom over the sum of slope times rate. The interval has room for that of the slopes, for
    the slope of the last half, and for the mean rate of a worker's life. None where no limit is
    known or nothing moves at the present rate.
    """
    newest = max(growing, key=lambda worker: worker.seen_at, default=None)
    if newest is None or not newest.limit:
        return None
    headroom = max(0, newest.limit - newest.used)
    speeds = [_speed(worker, worker.growth) for worker in growing if worker.growth is not None]
    expected = sum(one.expected for one in speeds)
    if expected <= 0:
        return None
    slowest, fastest = sum(one.slowest for one in speeds), sum(one.fastest for one in speeds)
    return MemoryForecast(
        expected=headroom / expected,
        soonest=headroom / fastest,
        latest=headroom / slowest if slowest > 0 else None,
        limit=newest.limit,
    )


def _speed(worker: Worker, growth: GrowthTrend) -> GrowthSpeed:
    slopes = (growth.slope, growth.low, growth.high, growth.last)
    rate, average = _rates(worker, growth.axis)
    speeds = [slope * one for slope in slopes for one in (rate, average)]
    return GrowthSpeed(growth.slope * rate, min(speeds), max(speeds))


def _rates(worker: Worker, axis: GrowthAxis) -> tuple[float, float]:
    """Return what passes of *axis* in a second, lately and on average over the worker's life."""
    if axis is GrowthAxis.TIME:
        return SECOND / HOUR, SECOND / HOUR
    age = worker.age(worker.seen_at) / SECOND
    return worker.rate, worker.requests / age if age > 0 else worker.rate
