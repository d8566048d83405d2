"""Counts and reads the entries of containers for the census and the heap walker.

It calls only C functions of the built-in types, never a method of a subclass: a `__len__` in the
application's code may block, raise or have side effects.
"""

from __future__ import annotations

import functools
import io
from array import array
from collections import deque
from itertools import islice
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from bugsly.introspection import type_internals

if TYPE_CHECKING:
    from collections.abc import Callable

    LengthReader = Callable[[Any], int]

MAX_NAMES = 1024
"""Names that are read of one module, class or instance."""
LruCache: Any = type(functools.lru_cache(lambda: None))
CONTAINER_TYPES: tuple[type, ...] = (dict, list, set, deque)
"""Containers whose entries can be read; so can those of their subclasses."""
LENGTH_READERS: dict[type, LengthReader] = {
    dict: dict.__len__,
    list: list.__len__,
    set: set.__len__,
    deque: deque.__len__,
    bytearray: bytearray.__len__,
    array: array.__len__,
    io.BytesIO: io.BytesIO.__sizeof__,
    SimpleQueue: SimpleQueue.qsize,
    LruCache: lambda cache: LruCache.cache_info(cache).currsize,
}
BODY_ATTRIBUTES = {
    ("weakref", "WeakValueDictionary"): "data",
    ("weakref", "WeakKeyDictionary"): "data",
    ("_weakrefset", "WeakSet"): "data",
    ("collections", "UserDict"): "data",
    ("collections", "UserList"): "data",
    ("queue", "Queue"): "queue",
    ("asyncio.queues", "Queue"): "_queue",
    ("cachetools", "Cache"): "_Cache__data",
}
"""The attribute in which a container written in Python keeps its entries, by type."""


def length_reader(kind: type) -> LengthReader | None:
    """Return a function that counts the entries of a *kind*, None for other than containers."""
    for base, length in LENGTH_READERS.items():
        if issubclass(kind, base):
            return length
    return None


def body_attribute(kind: type) -> str:
    """Return the attribute in which a *kind* keeps its entries, empty if there is none."""
    for base in type_internals.mro(kind):
        found = BODY_ATTRIBUTES.get(
            (type_internals.module_of(base), type_internals.qualname_of(base))
        )
        if found is not None:
            return found
    return ""


def newest_entries(thing: Any, limit: int) -> list[Any]:
    """Return up to *limit* entries, the last ones added; pairs of a dict, any entries of a set."""
    kind = type(thing)
    if issubclass(kind, dict):
        return _first_entries(lambda: reversed(dict.items(thing)), limit)
    if issubclass(kind, list):
        return list.__getitem__(thing, slice(-limit, None))
    if issubclass(kind, deque):
        return _first_entries(lambda: deque.__reversed__(thing), limit)
    return _first_entries(lambda: set.__iter__(thing), limit) if issubclass(kind, set) else []


def oldest_entries(thing: Any, limit: int) -> list[tuple[Any, Any]]:
    """Return up to *limit* pairs of key or index and value, the oldest first; none of a set."""
    kind = type(thing)
    if issubclass(kind, dict):
        return _first_entries(lambda: iter(dict.items(thing)), limit)
    if issubclass(kind, list):
        return list(enumerate(list.__getitem__(thing, slice(limit))))
    if issubclass(kind, tuple):
        return list(enumerate(tuple.__getitem__(thing, slice(limit))))
    if issubclass(kind, deque):
        return list(enumerate(_first_entries(lambda: deque.__iter__(thing), limit)))
    return []


def named_items(held: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return up to `MAX_NAMES` items of an attribute dictionary, those whose names are strings."""
    found = _first_entries(lambda: iter(dict.items(held)), MAX_NAMES)
    return [pair for pair in found if type(pair[0]) is str]


def _first_entries(iterator_of: Callable[[], Any], limit: int) -> list[Any]:
    """Return up to *limit* entries; none if another thread changes the container meanwhile."""
    try:
        return list(islice(iterator_of(), limit))
    except RuntimeError:
        return []
