"""What one entry of a container weighs, and what it is: an estimate from its newest entries."""

from __future__ import annotations

import gc
import weakref
from collections import Counter, deque
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from bugsly.probes.census import raw
from bugsly.probes.census.callables import LEAVES
from bugsly.probes.census.containers import BASES, LENGTHS, LruCache, newest
from bugsly.probes.census.reach import is_elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = 3
MOST_THINGS = 200
"""Visited for one entry at the most."""
MOST_REFERRED = 1_000
"""Entries of the largest container that is looked into below an entry."""
GC_HEAD = 16
LOCAL = "<locals>"
"""Stands in the name of what a function made."""
SHARED = frozenset(map(id, (BuiltinFunctionType, CodeType, property)))
"""What an entry refers to and does not keep alive by itself."""


class Weight(NamedTuple):
    """Mean bytes of an entry, and what entries are."""

    bytes: int
    entry: str


def weigh(container: Any, count: int) -> Weight:
    """Return what the newest entries of *container* weigh, which has *count* of them.

    What several of these entries lead to is shared by them, and is no entry's own weight.
    """
    slot = size_of(container) // max(1, count)
    entries = _entries(container)
    if not entries:
        return Weight(slot, "")
    reached = [dict(_reachable(entry)) for entry in entries]
    times = Counter(mark for one in reached for mark in one)
    own = [size for one in reached for mark, size in one.items() if times[mark] == 1]
    return Weight(
        slot + sum(own) // len(entries),
        ": ".join(raw.full_name(type(_met(part))) for part in entries[0]),
    )


def _met(part: Any) -> Any:
    """Return what *part* is, or what it refers to weakly, where that is alive."""
    alive = weakref.ref.__call__(part) if issubclass(type(part), weakref.ref) else None
    return part if alive is None else alive


def size_of(thing: Any) -> int:
    """Return the bytes of *thing* alone, as the C type below its class tells them."""
    for base in raw.bases(type(thing)):
        measure = raw.class_dict(base).get("__sizeof__")
        if measure is not None and type(measure) is not FunctionType:
            return _measured(measure, thing) + (GC_HEAD if gc.is_tracked(thing) else 0)
    return 0


def _measured(measure: Any, thing: Any) -> int:
    try:
        size = measure(thing)
    except (TypeError, ValueError):
        return 0
    return size if type(size) is int else 0


def _entries(container: Any) -> list[tuple[Any, ...]]:
    """Return the parts of the newest entries: keys and values, or values alone."""
    if type(container) is not LruCache:
        found = newest(container, SAMPLES)
        pairs = issubclass(type(container), dict)
        return found if pairs else [(one,) for one in found]
    return _cached(container)


def _cached(cache: Any) -> list[tuple[Any, ...]]:
    """Return keys and results that a cache of a function took last.

    A bounded one tells the collector key, result and type of link of each, oldest first, and then
    its dictionary of links; one without bound has a dictionary of results.
    """
    info = LruCache.cache_info(cache)
    size = info.currsize
    if not size or (info.maxsize is not None and size > MOST_REFERRED):
        return []
    told = gc.get_referents(cache)
    for index, inner in enumerate(told):
        if type(inner) is dict and len(inner) == size:
            if info.maxsize is None:
                return newest(inner, SAMPLES)
            first = max(0, index - 3 * min(size, SAMPLES))
            return [tuple(told[at : at + 2]) for at in range(first, index, 3)]
    return []


def _reachable(begin: tuple[Any, ...]) -> Iterator[tuple[int, int]]:
    """Yield what *begin* leads to, nearest first, each with its size; in bounds."""
    waiting, seen = deque(begin), set(map(id, begin))
    left = MOST_THINGS
    while waiting and left:
        thing = waiting.popleft()
        if _is_shared(thing):
            continue
        left -= 1
        yield id(thing), size_of(thing)
        for inner in _inside(thing):
            if id(inner) not in seen and len(waiting) < MOST_REFERRED:
                seen.add(id(inner))
                waiting.append(inner)


def _inside(thing: Any) -> list[Any]:
    kind = type(thing)
    if id(kind) in LEAVES:
        return []
    if kind is FunctionType:
        return _own_parts(thing)
    for base in BASES:
        if issubclass(kind, base) and LENGTHS[base](thing) > MOST_REFERRED:
            return []
    return gc.get_referents(thing)


def _own_parts(function: FunctionType) -> list[Any]:
    """Return what a function keeps for itself, not what its module and its code do."""
    parts = (*(function.__closure__ or ()), function.__defaults__, function.__kwdefaults__)
    return [part for part in (*parts, function.__dict__) if part]


def _is_shared(thing: Any) -> bool:
    """Return whether *thing* is a part of the program: code, and what a module defines or has."""
    kind = type(thing)
    if kind is FunctionType:
        return LOCAL not in thing.__qualname__
    if issubclass(kind, type):
        return is_elsewhere(thing, "")
    if id(kind) in SHARED or issubclass(kind, ModuleType):
        return True
    return kind is dict and "__builtins__" in thing
