"""When memory may run out at the earliest, from what was read over the last minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

EVERY = 5.0
"""Seconds between two readings that are kept."""
MOST = 60
LEAST = 12
"""Readings below which nothing is said."""
APART = 6
"""Readings between the ends of a slope: half a minute, so that one big request is not a trend."""


class Reading(NamedTuple):
    """Bytes *private* to this worker and *used* of the limit, at *at* seconds."""

    at: float
    private: int
    used: int


class Outlook(NamedTuple):
    """Bytes per second this worker grows by, and the seconds until memory may run out."""

    growth: float
    seconds: float


def look_ahead(kept: deque[Reading], limit: int) -> Outlook | None:
    """Return the lower bound of the time to *limit*, None where this worker does not grow steadily.

    The bound takes the steep tenth of all slopes of what is used, or the steepest of the last
    minute where that is steeper: growth may have become faster. The worker grows steadily where
    even the flat quarter of its own slopes rises.
    """
    readings = list(kept)
    if len(readings) < LEAST or not limit:
        return None
    own = _slopes(readings, lambda reading: reading.private)
    if not own or own[len(own) // 4] <= 0:
        return None
    used = _slopes(readings, lambda reading: reading.used)
    lately = _slopes(readings[-LEAST:], lambda reading: reading.used)
    steep = max([used[len(used) * 9 // 10], *lately[-1:]])
    left = max(0, limit - readings[-1].used)
    return Outlook(own[len(own) // 2], left / steep) if steep > 0 else None


def _slopes(readings: list[Reading], of: Callable[[Reading], int]) -> list[float]:
    """Return the slopes between readings that are far enough apart, the flattest first."""
    return sorted(
        (of(last) - of(first)) / (last.at - first.at)
        for index, first in enumerate(readings)
        for last in readings[index + APART :]
        if last.at > first.at
    )
