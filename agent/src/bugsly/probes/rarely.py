"""Takes a reading as often as its cost allows: its computing time, for waiting costs nobody."""

from __future__ import annotations

from time import monotonic, thread_time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

CHEAP = 200e-6
"""Seconds a reading may take to be taken every time."""
BUDGET = 1_000
"""A dearer one is taken when this many times its cost has passed: 1 ‰ of the time."""

Reading = TypeVar("Reading")


class Rarely(Generic[Reading]):
    """Calls *read* when asked, unless it was dear the last time and that is not long ago."""

    def __init__(self, read: Callable[[], Reading]) -> None:
        self._read = read
        self._next = 0.0

    def take(self) -> Reading | None:
        """Return the reading, None where it is not due."""
        if monotonic() < self._next:
            return None
        begun = thread_time()
        result = self._read()
        took = thread_time() - begun
        self._next = 0.0 if took < CHEAP else monotonic() + took * BUDGET
        return result
