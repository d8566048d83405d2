"""Describes the holders that a walk of the heap met: the path to each, and what it keeps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bugsly.protocol.evidence import HeapGrowth, HeapHolder
from bugsly_server.diagnose.entry_types import REQUEST_KEEPING_TYPES, REUSABLE_TYPES
from bugsly_server.diagnose.growth.holder_growth import UNIQUE_KEY_KINDS
from bugsly_server.diagnose.holder_paths import holder_name, owner_modules, path_names
from bugsly_server.model.heap_path import HeapPath

BOUNDED_TYPES = re.compile(r"(?i)(deque|cache|cache_wrapper|lru|ttl|queue|pool|ring)$")
"""Endings of types that often have a bound that a walk does not see."""
MIN_OBJECTS_PER_ENTRY = 0.5
"""Objects of a type per entry from which an entry consists of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkedHolder:
    """A holder that a walk of the heap met, at each snapshot of it. Sizes are bytes."""

    name: str
    """Its path, without the step to its entries."""
    names: tuple[str, ...]
    """The names on its path."""
    kind: str
    path: HeapPath
    retained: tuple[int, ...]
    """What only it keeps alive, at each snapshot."""
    owners: tuple[tuple[str, str], ...]
    """The modules that may feed it, each with the path by which it would know the holder."""
    has_unique_keys: bool
    """Whether it keeps each key once."""
    may_be_bounded: bool
    """Whether a holder of its type, or of its owner's, often has a bound."""
    part: float | None
    """Of the growth of the workers' memory; None where none surely grows."""

    @property
    def gained_entries(self) -> int:
        """Return how many entries it gained from the first snapshot to the last."""
        return total_gain(self.path.counts)

    @property
    def gained_bytes(self) -> int:
        """Return how much more it keeps alive at the last snapshot than at the first."""
        return total_gain(self.retained)


def describe_holders(heap: HeapGrowth, memory_per_request: float) -> tuple[WalkedHolder, ...]:
    """Return the holders that a walk met, where workers gain *memory_per_request* bytes."""
    return tuple(_describe(one, heap, memory_per_request) for one in heap.retainers)


def _describe(heap_holder: HeapHolder, heap: HeapGrowth, memory_per_request: float) -> WalkedHolder:
    kind = heap_holder.hops[-1].type
    short_kind = kind.rpartition(".")[2]
    per_request = total_gain(heap_holder.retained) / max(1, total_gain(heap.requests))
    return WalkedHolder(
        name=holder_name(heap_holder),
        names=path_names(heap_holder.path),
        kind=kind,
        path=heap_path_of(heap_holder, heap),
        retained=heap_holder.retained,
        owners=tuple(owner_modules(heap_holder)),
        has_unique_keys=short_kind in UNIQUE_KEY_KINDS or "dict" in short_kind.lower(),
        may_be_bounded=any(BOUNDED_TYPES.search(hop.type) for hop in heap_holder.hops[-2:]),
        part=per_request / memory_per_request if memory_per_request else None,
    )


def heap_path_of(heap_holder: HeapHolder, heap: HeapGrowth) -> HeapPath:
    """Return the path to *heap_holder*, and what it keeps."""
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
    """Return the type that best describes what a holder keeps; empty where none is frequent.

    It prefers a type with one object per entry.
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


def total_gain(numbers: Sequence[int]) -> int:
    """Return what was gained from the first snapshot to the last."""
    return numbers[-1] - numbers[0]
