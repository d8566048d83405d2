"""What is to be said of a container beside its count: its kind, where it stops, how it is used."""

from __future__ import annotations

from collections import deque
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bugsly.probes.census import raw
from bugsly.probes.census.callables import special
from bugsly.probes.census.containers import LruCache, items

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bugsly.probes.census.reach import Reach

BOUNDS = frozenset(
    {"maxsize", "maxlen", "maxentries", "maxitems", "maxcount", "maxlength", "maxcache"}
    | {"capacity", "cachesize", "maxcachesize", "cachemaxsize", "threshold", "sizelimit"}
)
"""Names under which caches of all makers keep the count at which they stop, without `_`."""
UNLIMITED = 10**9


def kind_of(thing: Any) -> str:
    """Return the name of the container's type, as `dict` or `TTLCache`."""
    return "lru_cache" if type(thing) is LruCache else raw.name_of(type(thing))


def details_of(thing: Any) -> dict[str, int]:
    """Return the counts that only this kind of container has."""
    if type(thing) is not LruCache:
        return {}
    info = LruCache.cache_info(thing)
    return {"hits": info.hits, "misses": info.misses, "maxsize": info.maxsize or 0}


def bound_of(thing: Any, owner: Any, count: int, reach: Reach, *, own: bool) -> int | None:
    """Return the count at which *thing* stops by itself, None where nothing seems to stop it.

    A container written in Python keeps it in an attribute of its own or of its *owner*. Names
    of modules are taken for bounds in libraries only, not in the application's *own* code, where
    nothing says that they belong together.
    """
    kind = type(thing)
    if kind is LruCache:
        maxsize: int | None = LruCache.cache_info(thing).maxsize
        return maxsize
    if issubclass(kind, deque):
        maxlen = raw.class_dict(deque)["maxlen"].__get__(thing)
        return maxlen if type(maxlen) is int else None
    named = [*_numbers(thing, reach), *_siblings(owner, reach, own=own)]
    return next((value for value in named if count <= value < UNLIMITED), None)


def _siblings(owner: Any, reach: Reach, *, own: bool) -> Iterable[int]:
    kind = type(owner)
    if issubclass(kind, ModuleType):
        return [] if own else _chosen(items(raw.module_dict(owner)))
    told = special(kind)
    if told is not None:
        return _chosen([(str(name), value) for _, name, value in told(owner)])
    if issubclass(kind, type):
        return _chosen(list(raw.class_dict(owner).items()))
    return _numbers(owner, reach)


def _numbers(thing: Any, reach: Reach) -> list[int]:
    """Return the numbers that an instance, or its class, has under the name of a bound."""
    found = _chosen(reach.attributes(thing))
    for base in raw.bases(type(thing)):
        found += _chosen(list(raw.class_dict(base).items()))
    return found


def _chosen(named: list[tuple[str, Any]]) -> list[int]:
    return [
        value
        for name, value in named
        if type(value) is int and value > 0 and _plain(name) in BOUNDS
    ]


def _plain(name: object) -> str:
    """Return an attribute's name as it was meant: `_Cache__maxsize` is `maxsize`."""
    text = name if type(name) is str else ""
    return text.rpartition("__")[2].replace("_", "").lower()
