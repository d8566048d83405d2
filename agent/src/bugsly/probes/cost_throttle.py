"""Limits how often a probe takes an expensive reading, by the CPU time it took."""

from __future__ import annotations

from time import monotonic, thread_time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

CHEAP_SECONDS = 200e-6
"""CPU seconds up to which a reading is taken every time."""
COST_MULTIPLE = 1_000
"""An expensive reading is due again after so many times its cost: 1 ‰ of the time."""

Value = TypeVar("Value")


class CostThrottle(Generic[Value]):
    """Calls *read*, unless it was expensive the last time and is not due yet."""

    def __init__(self, read: Callable[[], Value]) -> None:
        self._read = read
        self._due_at = 0.0

    def read_if_due(self) -> Value | None:
        """Return the reading, None if it is not due."""
        if monotonic() < self._due_at:
            return None
        started = thread_time()
        result = self._read()
        took = thread_time() - started
        self._due_at = 0.0 if took < CHEAP_SECONDS else monotonic() + took * COST_MULTIPLE
        return result
