"""Estimates for the census the size and type of a container's entries, from its newest ones."""

from __future__ import annotations

import gc
import weakref
from collections import Counter, deque
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from bugsly.introspection import type_internals
from bugsly.introspection.containers import (
    CONTAINER_TYPES,
    LENGTH_READERS,
    LruCache,
    newest_entries,
)
from bugsly.introspection.definitions import is_defined_elsewhere
from bugsly.introspection.object_sizes import shallow_size
from bugsly.probes.census.callables import LEAF_TYPE_IDS

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLED_ENTRIES = 3
MAX_VISITED_PER_ENTRY = 200
"""Objects that are visited for one entry."""
MAX_CONTAINER_ENTRIES = 1_000
"""Entries of the largest container that is entered below an entry."""
LOCALS_MARK = "<locals>"
"""Part of the name of what a function defines."""
SHARED_TYPE_IDS = frozenset(map(id, (BuiltinFunctionType, CodeType, property)))
"""Types of what an entry refers to without keeping it alive."""


class EntryWeight(NamedTuple):
    """Mean bytes of an entry, and the types of an entry."""

    bytes: int
    entry: str


def weigh_entries(container: Any, count: int) -> EntryWeight:
    """Return the mean size of the newest of the *count* entries of *container*.

    What several of these entries refer to is shared and does not count.
    """
    slot = shallow_size(container) // max(1, count)
    entries = _newest_parts(container)
    if not entries:
        return EntryWeight(slot, "")
    reached = [dict(_reachable_sizes(entry)) for entry in entries]
    times = Counter(mark for one in reached for mark in one)
    own_sizes = [size for one in reached for mark, size in one.items() if times[mark] == 1]
    return EntryWeight(
        slot + sum(own_sizes) // len(entries),
        ": ".join(type_internals.full_name(type(_dereferenced(part))) for part in entries[0]),
    )


def _dereferenced(part: Any) -> Any:
    """Return *part*, or for a weak reference the object it refers to if that is alive."""
    alive = weakref.ref.__call__(part) if issubclass(type(part), weakref.ref) else None
    return part if alive is None else alive


def _newest_parts(container: Any) -> list[tuple[Any, ...]]:
    """Return the parts of the newest entries: keys and values, or values alone."""
    if type(container) is not LruCache:
        found = newest_entries(container, SAMPLED_ENTRIES)
        pairs = issubclass(type(container), dict)
        return found if pairs else [(one,) for one in found]
    return _lru_cache_parts(container)


def _lru_cache_parts(cache: Any) -> list[tuple[Any, ...]]:
    """Return the keys and results that an `lru_cache` stored last.

    Of a bounded one, the garbage collector sees key, result and link type of each entry, oldest
    first, and then the dictionary of links; of an unbounded one, a dictionary of results.
    """
    info = LruCache.cache_info(cache)
    size = info.currsize
    if not size or (info.maxsize is not None and size > MAX_CONTAINER_ENTRIES):
        return []
    referents = gc.get_referents(cache)
    for index, inner in enumerate(referents):
        if type(inner) is dict and len(inner) == size:
            if info.maxsize is None:
                return newest_entries(inner, SAMPLED_ENTRIES)
            first = max(0, index - 3 * min(size, SAMPLED_ENTRIES))
            return [tuple(referents[at : at + 2]) for at in range(first, index, 3)]
    return []


def _reachable_sizes(start: tuple[Any, ...]) -> Iterator[tuple[int, int]]:
    """Yield the ids and sizes of what *start* refers to, nearest first, within the bounds."""
    queue, seen = deque(start), set(map(id, start))
    budget = MAX_VISITED_PER_ENTRY
    while queue and budget:
        thing = queue.popleft()
        if _is_shared(thing):
            continue
        budget -= 1
        yield id(thing), shallow_size(thing)
        for inner in _referents(thing):
            if id(inner) not in seen and len(queue) < MAX_CONTAINER_ENTRIES:
                seen.add(id(inner))
                queue.append(inner)


def _referents(thing: Any) -> list[Any]:
    kind = type(thing)
    if id(kind) in LEAF_TYPE_IDS:
        return []
    if kind is FunctionType:
        return _function_parts(thing)
    for base in CONTAINER_TYPES:
        if issubclass(kind, base) and LENGTH_READERS[base](thing) > MAX_CONTAINER_ENTRIES:
            return []
    return gc.get_referents(thing)


def _function_parts(function: FunctionType) -> list[Any]:
    """Return what a function alone refers to, without its module and its code."""
    parts = (*(function.__closure__ or ()), function.__defaults__, function.__kwdefaults__)
    return [part for part in (*parts, function.__dict__) if part]


def _is_shared(thing: Any) -> bool:
    """Return whether *thing* is part of the program: code, or what a module defines."""
    kind = type(thing)
    if kind is FunctionType:
        return LOCALS_MARK not in thing.__qualname__
    if issubclass(kind, type):
        return is_defined_elsewhere(thing, "")
    if id(kind) in SHARED_TYPE_IDS or issubclass(kind, ModuleType):
        return True
    return kind is dict and "__builtins__" in thing
