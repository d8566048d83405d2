"""Describes the holders of a walked heap: the path to one, and what it keeps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bugsly.protocol.evidence import HeapGrowth, HeapHolder
from bugsly_server.diagnose.entry_types import REQUEST_KEEPING_TYPES, REUSABLE_TYPES
from bugsly_server.diagnose.growth.growth_pattern import LifeGrowth
from bugsly_server.diagnose.heap.heap_attribution import GrowthDriver, total_gain
from bugsly_server.model.heap_path import HeapPath

BOUNDED_TYPES = re.compile(r"(?i)(deque|cache|cache_wrapper|lru|ttl|queue|pool|ring)$")
"""Ends of types that often have a bound, which a walk does not see."""
MIN_OBJECTS_PER_ENTRY = 0.5
"""Objects of a type per entry, from which they are what an entry is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingHeapHolder:
    """A retainer that gained with requests."""

    heap_holder: HeapHolder
    growth: LifeGrowth
    """Over the requests that drive it: of entries, or of bytes where it grows by those alone."""
    driver: GrowthDriver
    part: float | None
    """Of the growth of the workers' memory; None where none surely grows."""


def heap_path_of(heap_holder: HeapHolder, heap: HeapGrowth) -> HeapPath:
    """Return the way to a holder."""
    return HeapPath(
        hops=heap_holder.hops,
        requests=heap.requests,
        counts=heap_holder.counts,
        bytes=heap_holder.retained[-1],
        entry=entry_type(heap_holder),
        types=heap_holder.types,
        objects=heap.objects,
        pause=heap.pause,
    )


def entry_type(heap_holder: HeapHolder) -> str:
    """Return the type that tells most of what a holder keeps, one object to an entry if may be.

    Empty where none is kept in number.
    """
    minimum = MIN_OBJECTS_PER_ENTRY * total_gain(heap_holder.counts)
    nearest = sorted(
        heap_holder.types, key=lambda name: abs(heap_holder.types[name] - heap_holder.counts[-1])
    )
    frequent = [name for name in nearest if heap_holder.types[name] >= minimum]
    telling = [
        name
        for name in frequent
        if REQUEST_KEEPING_TYPES.search(name) or REUSABLE_TYPES.search(name)
    ]
    dotted = [name for name in frequent if "." in name]
    return next(iter([*telling, *dotted, *frequent]), "")


def may_be_bounded(heap_holder: HeapHolder) -> bool:
    """Return whether a holder of its type, or of its owner's, often has a bound."""
    return any(BOUNDED_TYPES.search(hop.type) for hop in heap_holder.hops[-2:])
