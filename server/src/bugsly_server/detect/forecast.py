"""When memory runs out on one machine, if its workers go on as they do."""

from __future__ import annotations

from collections.abc import Sequence

from bugsly_server.clock import HOUR, SECOND
from bugsly_server.model.growth import Axis
from bugsly_server.model.issue import Forecast
from bugsly_server.model.worker import Worker


def forecast(growing: Sequence[Worker]) -> Forecast | None:
    """Return when the machine of *growing*, workers that share one, reaches its limit.

    Headroom over the sum of slope times rate; the interval is that of the slopes. None where no
    limit is known or nothing moves at the present rate.
    """
    newest = max(growing, key=lambda worker: worker.seen_at, default=None)
    if newest is None or not newest.limit:
        return None
    headroom = max(0, newest.limit - newest.used)
    speed, slowest, fastest = (
        sum(_speed(worker, bound) for worker in growing) for bound in ("slope", "low", "high")
    )
    if speed <= 0 or fastest <= 0:
        return None
    return Forecast(
        expected=headroom / speed,
        soonest=headroom / fastest,
        latest=headroom / slowest if slowest > 0 else None,
        limit=newest.limit,
    )


def _speed(worker: Worker, bound: str) -> float:
    """Return bytes per second by the slope, or by one end of its interval."""
    if worker.growth is None:
        return 0.0
    slope: float = getattr(worker.growth, bound)
    per_second = worker.rate if worker.growth.axis is Axis.REQUESTS else SECOND / HOUR
    return slope * per_second
