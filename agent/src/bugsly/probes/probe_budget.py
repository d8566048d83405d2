"""Limits the time of a worker that expensive probes take, whatever a server requests."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from bugsly.protocol.evidence import ProbeResult

HOUR_SECONDS = 3_600.0
DAY_SECONDS = 86_400.0
MAX_SHARE = 0.005
"""Share of a day, and of the life of a worker so far."""
MAX_SHARE_BY_HAND = 0.02
"""Share of a day with what a person requests; only the server says that a person does."""
FIRST_SECONDS = 30.0
"""Seconds that even a new worker may spend."""
MAX_PROBE_SECONDS = 130.0
"""Seconds of one probe, which are kept free: what runs is not stopped halfway."""
SPENT = (
    "this worker spent {:.0f} s on expensive probes within a day, and may spend {:g} % of its time"
    " → ask again later"
)


class ProbeBudget:
    """Counts what probes took, by hours, for a day."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._started_at = clock()
        self._seconds_by_hour: dict[int, float] = {}

    def refusal(self, *, by_hand: bool) -> str:
        """Return why no expensive probe may begin now, an empty text where one may."""
        spent = self._spent()
        share = MAX_SHARE_BY_HAND if by_hand else MAX_SHARE
        limit = share * DAY_SECONDS - MAX_PROBE_SECONDS
        if not by_hand:
            age = self._clock() - self._started_at
            limit = min(limit, FIRST_SECONDS + share * age)
        return "" if spent < limit else SPENT.format(spent, 100 * share)

    def spend(self, seconds: float) -> None:
        """Count what a probe took."""
        hour = self._hour()
        self._seconds_by_hour[hour] = self._seconds_by_hour.get(hour, 0.0) + seconds

    def _spent(self) -> float:
        """Return the seconds of the last 24 hours, and of the rest of the hour before them."""
        first = self._hour() - int(DAY_SECONDS / HOUR_SECONDS)
        for hour in [one for one in self._seconds_by_hour if one < first]:
            del self._seconds_by_hour[hour]
        return sum(self._seconds_by_hour.values())

    def _hour(self) -> int:
        return int(self._clock() // HOUR_SECONDS)


def probe_cost(result: ProbeResult, cpu_seconds: float, seconds: float) -> float:
    """Return what a probe took of its worker.

    That is *cpu_seconds* of its thread, and the time of the walks in a child, or of the tracing.
    Of one that failed it is all of its *seconds*: how far it came is not known.
    """
    if result.problem:
        return seconds
    if result.heap is not None:
        return cpu_seconds + result.heap.seconds * len(result.heap.requests)
    return cpu_seconds + (0.0 if result.window is None else result.window.seconds)
