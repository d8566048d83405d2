"""Time as the whole server counts it: integer microseconds, since 1970 where they are a moment."""

from __future__ import annotations

import time
from typing import Protocol

Micros = int

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR
MAX_DISORDER: Micros = 5 * MINUTE
"""By which moments may be out of order without anybody having set the clock."""


class Clock(Protocol):
    """Says what time it is, and how much of it passes. Only the first can be set by somebody."""

    def __call__(self) -> Micros:
        """Return the present moment, UTC: what is stored and shown."""

    def steady(self) -> Micros:
        """Return a count that never jumps, for limits and intervals within one run."""


class SystemClock:
    """The clock of this machine."""

    def __call__(self) -> Micros:
        """See the protocol."""
        return time.time_ns() // 1000

    def steady(self) -> Micros:
        """See the protocol."""
        return time.monotonic_ns() // 1000


now = SystemClock()


class ClockWatch:
    """Notices that somebody sets a clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._set_at = clock()
        self._offset = self._set_at - clock.steady()

    def undisturbed_since(self) -> Micros:
        """Return since when the clock has gone on by itself: the start, or when it was set last."""
        moment = self._clock()
        offset = moment - self._clock.steady()
        if abs(offset - self._offset) > MINUTE:
            self._set_at = moment
        self._offset = offset
        return self._set_at


def is_ahead(moment: Micros, now: Micros) -> bool:
    """Return whether *moment* is yet to come: the clock has been set back since it was noted."""
    return moment - now > MAX_DISORDER


def has_passed(span: Micros, since: Micros, now: Micros) -> bool:
    """Return whether *span* has passed since *since*.

    It counts as passed where *since* is ahead: else nothing would happen for as long as the clock
    was set back.
    """
    return is_ahead(since, now) or now - since >= span
