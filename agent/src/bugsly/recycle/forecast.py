"""Forecasts when memory may run out at the earliest, from readings of the last minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

READING_INTERVAL_SECONDS = 5.0
"""Seconds between two readings that are kept."""
MAX_READINGS = 60
MIN_READINGS = 12
"""Fewer readings give no forecast."""
MIN_READINGS_APART = 6
"""Readings between the ends of a slope: half a minute, so that one large request is no trend."""


class MemoryReading(NamedTuple):
    """Bytes private to this worker, and bytes used of the limit, at *at* seconds."""

    at: float
    private: int
    used: int


class ExhaustionForecast(NamedTuple):
    """By how many bytes per second this worker grows, and when memory may run out."""

    growth_per_second: float
    seconds_left: float


def forecast_exhaustion(
    recent_readings: deque[MemoryReading], limit: int
) -> ExhaustionForecast | None:
    """Return the shortest time until *limit*, None where this worker does not grow steadily.

    It follows from the 90th percentile of the slopes of used memory, or from the steepest slope of
    the last minute where that is steeper: growth may have accelerated. A worker grows steadily
    where the 25th percentile of its own slopes is positive.
    """
    readings = list(recent_readings)
    if len(readings) < MIN_READINGS or not limit:
        return None
    private_slopes = _slopes(readings, lambda reading: reading.private)
    if not private_slopes or private_slopes[len(private_slopes) // 4] <= 0:
        return None
    used_slopes = _slopes(readings, lambda reading: reading.used)
    recent_slopes = _slopes(readings[-MIN_READINGS:], lambda reading: reading.used)
    steepest = max([used_slopes[len(used_slopes) * 9 // 10], *recent_slopes[-1:]])
    bytes_left = max(0, limit - readings[-1].used)
    return (
        ExhaustionForecast(private_slopes[len(private_slopes) // 2], bytes_left / steepest)
        if steepest > 0
        else None
    )


def _slopes(readings: list[MemoryReading], value_of: Callable[[MemoryReading], int]) -> list[float]:
    """Return the slopes between readings that are far enough apart, in ascending order."""
    return sorted(
        (value_of(last) - value_of(first)) / (last.at - first.at)
        for index, first in enumerate(readings)
        for last in readings[index + MIN_READINGS_APART :]
        if last.at > first.at
    )
