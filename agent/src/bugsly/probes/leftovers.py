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

MANY = 20
"""Open files below which nobody looks, until there once were more."""
DEAR = 400
"""And above which only full collections are looked at, which are rare."""
NEVER = 3
"""No generation."""
MOST = 100
"""Kinds of files that are remembered."""


class Leftovers:
    """Files that collections closed, by what *count* calls them.

    What dies in the youngest generation is closed soon enough.
    """

    def __init__(self, count: Callable[[], Counter[str]], guard: Guard) -> None:
        self.closed: Counter[str] = Counter()
        self._count = count
        self._guard = guard
        self._before: Counter[str] | None = None
        self._from = NEVER
        gc.callbacks.append(_weakly(self._collection))

    def see(self, opened: Mapping[str, int]) -> Counter[str]:
        """Return the files in *opened*, those open now, with the ones that were closed so far."""
        number = sum(opened.values())
        if number >= MANY or self.closed:
            self._from = 1 if number <= DEAR else 2
        return Counter(opened) + self.closed

    def _collection(self, phase: str, facts: Mapping[str, int]) -> None:
        if facts["generation"] < self._from:
            return
        with self._guard:
            if phase == "start":
                self._before = self._count()
            elif self._before is not None:
                gone = self._before - self._count()
                self._before = None
                known = {name for name in gone if name in self.closed or len(self.closed) < MOST}
                self.closed.update({name: gone[name] for name in known})


def _weakly(
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
