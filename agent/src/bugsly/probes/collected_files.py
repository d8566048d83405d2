"""Counts the open files that the cyclic collector closed, because no code did.

Files that wait for the collector come and go in a saw-tooth. Together with those that are open,
the ones it closed make a straight line.
"""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bugsly.guard import Guard

MIN_OPEN_FILES = 20
"""Open files below which nobody looks, until there once were more."""
MAX_FILES_FOR_YOUNG_COLLECTIONS = 400
"""And above which only full collections are looked at, which are rare."""
NO_GENERATION = 3
"""No generation."""
MAX_PATTERNS = 100
"""Kinds of files that are remembered."""


class CollectedFiles:
    """Files that collections closed, by what *count* calls them.

    What dies in the youngest generation is closed soon enough.
    """

    def __init__(self, count: Callable[[], Counter[str]], guard: Guard) -> None:
        self.closed: Counter[str] = Counter()
        self._count = count
        self._guard = guard
        self._open_before: Counter[str] | None = None
        self._min_generation = NO_GENERATION
        gc.callbacks.append(_weak_callback(self._on_collection))

    def add_collected(self, opened: Mapping[str, int]) -> Counter[str]:
        """Return the files in *opened*, those open now, with the ones that were closed so far."""
        number = sum(opened.values())
        if number >= MIN_OPEN_FILES or self.closed:
            self._min_generation = 1 if number <= MAX_FILES_FOR_YOUNG_COLLECTIONS else 2
        return Counter(opened) + self.closed

    def _on_collection(self, phase: str, facts: Mapping[str, int]) -> None:
        if facts["generation"] < self._min_generation:
            return
        with self._guard:
            if phase == "start":
                self._open_before = self._count()
            elif self._open_before is not None:
                gone = self._open_before - self._count()
                self._open_before = None
                known = {
                    name for name in gone if name in self.closed or len(self.closed) < MAX_PATTERNS
                }
                self.closed.update({name: gone[name] for name in known})


def _weak_callback(
    method: Callable[[str, Mapping[str, int]], None],
) -> Callable[[str, dict[str, int]], None]:
    """Return a callback of the collector that ends with the object whose *method* it calls."""
    reference = weakref.WeakMethod(method)

    def callback(phase: str, facts: dict[str, int]) -> None:
        alive = reference()
        if alive is not None:
            alive(phase, facts)
        elif callback in gc.callbacks:
            gc.callbacks.remove(callback)

    return callback
