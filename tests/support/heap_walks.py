"""Small heaps that are walked: modules of a few lines, and nothing beside them."""

import time
from collections.abc import Callable, Iterable

from bugsly.heap.heap_holders import HolderNode, format_path, nodes_of
from bugsly.heap.python_walker.walker import PythonWalker
from bugsly.heap.snapshot import HeapWalker, take_snapshot
from bugsly.heap.walker_choice import CWalker

WALKERS: dict[str, Callable[[], HeapWalker]] = {"c": CWalker, "python": PythonWalker}


def sleep_patiently(seconds: float) -> bool:
    """Sleep, and never give up."""
    time.sleep(seconds)
    return False


def walk_heap(
    walker: HeapWalker, roots: Iterable[tuple[str, object]], *, whole: bool = False
) -> list[HolderNode]:
    """Return the places that *walker* finds from *roots*."""
    snapshot = take_snapshot(walker, list(roots), sleep_patiently, include_unreachable=whole)
    return list(nodes_of(snapshot.last_result).values())


def holders_by_name(places: Iterable[HolderNode]) -> dict[str, list[HolderNode]]:
    found: dict[str, list[HolderNode]] = {}
    for place in places:
        found.setdefault(format_path(place.path), []).append(place)
    return found
