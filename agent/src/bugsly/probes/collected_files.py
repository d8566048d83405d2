"""Counts, for the probe of descriptors, the open files that only the garbage collector closed.

The number of files that wait for the collector is a sawtooth. The sum of open files and of files
that the collector closed is a straight line.
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
"""Below so many open files no collection is observed, unless one has closed files before."""
MAX_FILES_FOR_YOUNG_COLLECTIONS = 400
"""Above so many open files only full collections are observed, which are rare."""
NO_GENERATION = 3
"""A number above that of the oldest generation."""
MAX_PATTERNS = 100
"""Patterns whose files are counted."""


class CollectedFiles:
    """Files that collections closed, by the patterns that *count* returns.

    Collections of the youngest generation are ignored: they close files soon enough.
    """

    def __init__(self, count: Callable[[], Counter[str]], guard: Guard) -> None:
        self.closed: Counter[str] = Counter()
        self._count = count
        self._guard = guard
        self._open_before: Counter[str] | None = None
        self._min_generation = NO_GENERATION
        gc.callbacks.append(_weak_callback(self._on_collection))

    def add_collected(self, opened: Mapping[str, int]) -> Counter[str]:
        """Return the sum of *opened*, the files open now, and of those closed so far."""
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
    """Return a callback that removes itself when the object of its *method* is gone."""
    reference = weakref.WeakMethod(method)

    def callback(phase: str, facts: dict[str, int]) -> None:
        alive = reference()
        if alive is not None:
            alive(phase, facts)
        elif callback in gc.callbacks:
            gc.callbacks.remove(callback)

    return callback
