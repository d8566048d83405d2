"""Time as the whole server counts it: integer microseconds since 1970, UTC."""

from __future__ import annotations

import time
from collections.abc import Callable

Micros = int
Clock = Callable[[], Micros]

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR


def now() -> Micros:
    """Return the present moment."""
    return time.time_ns() // 1000
