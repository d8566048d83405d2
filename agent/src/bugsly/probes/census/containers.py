"""Which objects are containers, and how much they hold; without running code.

Only C functions of the built-in types are called, never a method of a subclass: a `__len__` of
the application's own may block, raise or have effects.
"""

from __future__ import annotations

import functools
import io
from array import array
from collections import deque
from itertools import islice
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from bugsly.probes.census import raw

if TYPE_CHECKING:
    from collections.abc import Callable

    Length = Callable[[Any], int]

MOST_NAMES = 1024
"""How many names of one module, class or instance are looked at."""
LruCache: Any = type(functools.lru_cache(lambda: None))
BASES: tuple[type, ...] = (dict, list, set, deque)
"""Containers that can be looked into; their subclasses are containers too."""
LENGTHS: dict[type, Length] = {
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
BODIES = {
    ("weakref", "WeakValueDictionary"): "data",
    ("weakref", "WeakKeyDictionary"): "data",
    ("_weakrefset", "WeakSet"): "data",
    ("collections", "UserDict"): "data",
    ("collections", "UserList"): "data",
    ("queue", "Queue"): "queue",
    ("asyncio.queues", "Queue"): "_queue",
    ("cachetools", "Cache"): "_Cache__data",
}
"""Where containers that are written in Python keep what they hold: they count as one with it."""


def length_of(kind: type) -> Length | None:
    """Return what counts the entries of a *kind*, None where it is no built-in container."""
    for base, length in LENGTHS.items():
        if issubclass(kind, base):
            return length
    return None


def body_of(kind: type) -> str:
    """Return the attribute in which a *kind* keeps its entries, empty where it has none such."""
    for base in raw.bases(kind):
        found = BODIES.get((raw.module_of(base), raw.name_of(base)))
        if found is not None:
            return found
    return ""


def newest(thing: Any, most: int) -> list[Any]:
    """Return up to *most* of the entries that came last, pairs of a dict; any of a set."""
    kind = type(thing)
    if issubclass(kind, dict):
        return _some(lambda: reversed(dict.items(thing)), most)
    if issubclass(kind, list):
        return list.__getitem__(thing, slice(-most, None))
    if issubclass(kind, deque):
        return _some(lambda: deque.__reversed__(thing), most)
    return _some(lambda: set.__iter__(thing), most) if issubclass(kind, set) else []


def oldest(thing: Any, most: int) -> list[tuple[Any, Any]]:
    """Return up to *most* entries as key or index and value, the oldest first; none of a set."""
    kind = type(thing)
    if issubclass(kind, dict):
        return _some(lambda: iter(dict.items(thing)), most)
    if issubclass(kind, list):
        return list(enumerate(list.__getitem__(thing, slice(most))))
    if issubclass(kind, tuple):
        return list(enumerate(tuple.__getitem__(thing, slice(most))))
    if issubclass(kind, deque):
        return list(enumerate(_some(lambda: deque.__iter__(thing), most)))
    return []


def items(held: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the items of *held*, an attribute dictionary, up to `MOST_NAMES`."""
    return _some(lambda: iter(dict.items(held)), MOST_NAMES)


def _some(begin: Callable[[], Any], most: int) -> list[Any]:
    """Return up to *most* entries; none where another thread changes the container meanwhile."""
    try:
        return list(islice(begin(), most))
    except RuntimeError:
        return []
