"""Small heaps that are walked: modules of a few lines, and nothing beside them."""

import time
from collections.abc import Callable, Iterable

from bugsly.heap.places import Place, name_of, places_of
from bugsly.heap.snapshot import Walker, take
from bugsly.heap.twin import PythonWalker
from bugsly.heap.walkers import CWalker

WALKERS: dict[str, Callable[[], Walker]] = {"c": CWalker, "python": PythonWalker}


def patient(seconds: float) -> bool:
    """Sleep, and never give up."""
    time.sleep(seconds)
    return False


def walked(
    walker: Walker, roots: Iterable[tuple[str, object]], *, whole: bool = False
) -> list[Place]:
    """Return the places that *walker* finds from *roots*."""
    taken = take(walker, list(roots), patient, whole=whole)
    return list(places_of(taken.walked).values())


def by_name(places: Iterable[Place]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for place in places:
        found.setdefault(name_of(place.way), []).append(place)
    return found
