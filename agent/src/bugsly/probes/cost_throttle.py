"""Takes a reading as often as its cost allows: its computing time, for waiting costs nobody."""

from __future__ import annotations

from time import monotonic, thread_time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

CHEAP_SECONDS = 200e-6
"""Seconds a reading may take to be taken every time."""
COST_MULTIPLE = 1_000
"""A dearer one is taken when this many times its cost has passed: 1 ‰ of the time."""

Value = TypeVar("Value")


class CostThrottle(Generic[Value]):
    """Calls *read* when asked, unless it was dear the last time and that is not long ago."""

    def __init__(self, read: Callable[[], Value]) -> None:
        self._read = read
        self._due_at = 0.0

    def read_if_due(self) -> Value | None:
        """Return the reading, None where it is not due."""
        if monotonic() < self._due_at:
            return None
        started = thread_time()
        result = self._read()
        took = thread_time() - started
        self._due_at = 0.0 if took < CHEAP_SECONDS else monotonic() + took * COST_MULTIPLE
        return result
