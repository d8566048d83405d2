"""Describes watched containers for the census: kind, capacity limit, use of a cache."""

from __future__ import annotations

from collections import deque
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bugsly.introspection import type_internals
from bugsly.introspection.containers import LruCache, named_items
from bugsly.probes.census.callables import children_reader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bugsly.probes.census.references import ReferenceReader

LIMIT_NAMES = frozenset(
    {"maxsize", "maxlen", "maxentries", "maxitems", "maxcount", "maxlength", "maxcache"}
    | {"capacity", "cachesize", "maxcachesize", "cachemaxsize", "threshold", "sizelimit"}
)
"""Names of the capacity limits of caches, without `_`."""
MIN_UNLIMITED = 10**9


def container_kind(thing: Any) -> str:
    """Return the name of the container's type, as `dict` or `TTLCache`."""
    return "lru_cache" if type(thing) is LruCache else type_internals.qualname_of(type(thing))


def container_details(thing: Any) -> dict[str, int]:
    """Return the counts that only this kind of container has."""
    if type(thing) is not LruCache:
        return {}
    info = LruCache.cache_info(thing)
    return {"hits": info.hits, "misses": info.misses, "maxsize": info.maxsize or 0}


def capacity_limit(
    thing: Any, owner: Any, count: int, references: ReferenceReader, *, is_app: bool
) -> int | None:
    """Return the count at which *thing* stops growing, None if no limit is found.

    A container written in Python has it in an attribute, of its own or of its *owner*. Numbers of a
    module count in libraries only: in the application's code (*is_app*) they may have nothing to do
    with the container.
    """
    kind = type(thing)
    if kind is LruCache:
        maxsize: int | None = LruCache.cache_info(thing).maxsize
        return maxsize
    if issubclass(kind, deque):
        maxlen = type_internals.class_dict(deque)["maxlen"].__get__(thing)
        return maxlen if type(maxlen) is int else None
    candidates = [
        *_instance_limits(thing, references),
        *_sibling_limits(owner, references, is_app=is_app),
    ]
    return next((value for value in candidates if count <= value < MIN_UNLIMITED), None)


def _sibling_limits(owner: Any, references: ReferenceReader, *, is_app: bool) -> Iterable[int]:
    kind = type(owner)
    if issubclass(kind, ModuleType):
        return [] if is_app else _limits_among(named_items(type_internals.module_dict(owner)))
    read_children = children_reader(kind)
    if read_children is not None:
        return _limits_among([(str(name), value) for _, name, value in read_children(owner)])
    if issubclass(kind, type):
        return _limits_among(list(type_internals.class_dict(owner).items()))
    return _instance_limits(owner, references)


def _instance_limits(thing: Any, references: ReferenceReader) -> list[int]:
    """Return the numbers that an instance or its class has under the name of a limit."""
    found = _limits_among(references.attributes(thing))
    for base in type_internals.mro(type(thing)):
        found += _limits_among(list(type_internals.class_dict(base).items()))
    return found


def _limits_among(named: list[tuple[str, Any]]) -> list[int]:
    return [
        value
        for name, value in named
        if type(value) is int and value > 0 and _plain_name(name) in LIMIT_NAMES
    ]


def _plain_name(name: object) -> str:
    """Return the name of an attribute without mangling and `_`: `_Cache__maxsize` is `maxsize`."""
    text = name if type(name) is str else ""
    return text.rpartition("__")[2].replace("_", "").lower()
