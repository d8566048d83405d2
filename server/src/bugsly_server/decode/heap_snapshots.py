"""Sanitizes the result of a heap probe: keeps what is valid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from bugsly.protocol.evidence import HeapGrowth, HeapHolder, HolderPathStep, UnreachableObjects

MAX_NAME_LENGTH = 300
MAX_PATH_LENGTH = 1_000
MAX_WALK_SECONDS = 3_600.0
MAX_COUNT = 1 << 50
SNAPSHOT_COUNTS = range(1, 9)
MAX_HEAP_HOLDERS = 50
MAX_UNREACHABLE_TYPES = 50
MAX_HOPS = 40
MAX_TYPES = 20


def sanitize_heap(heap: HeapGrowth) -> HeapGrowth | None:
    """Return *heap* with those of its holders and unreachable objects that fit its snapshots.

    None where it is not well-formed itself.
    """
    snapshot_count = len(heap.requests)
    times = (heap.pause, heap.seconds)
    if snapshot_count not in SNAPSHOT_COUNTS or not all(
        0 <= time <= MAX_WALK_SECONDS for time in times
    ):
        return None
    if not _are_counts((*heap.requests, heap.objects, heap.bytes)) or not _is_rising(heap.requests):
        return None
    heap_holders = [
        _bounded_heap_holder(each)
        for each in heap.retainers
        if _is_valid_heap_holder(each, snapshot_count)
    ]
    unreachable = [each for each in heap.orphans if _is_valid_unreachable(each, snapshot_count)]
    return replace(
        heap,
        walker=heap.walker[:MAX_NAME_LENGTH],
        retainers=tuple(heap_holders[:MAX_HEAP_HOLDERS]),
        orphans=tuple(unreachable[:MAX_UNREACHABLE_TYPES]),
    )


def _is_valid_heap_holder(heap_holder: HeapHolder, snapshot_count: int) -> bool:
    named = 0 < len(heap_holder.path) <= MAX_PATH_LENGTH and 0 < len(heap_holder.hops) <= MAX_HOPS
    return (
        named
        and _has_count_per_snapshot(heap_holder.counts, snapshot_count)
        and _has_count_per_snapshot(heap_holder.retained, snapshot_count)
    )


def _bounded_heap_holder(heap_holder: HeapHolder) -> HeapHolder:
    types = [(name[:MAX_NAME_LENGTH], amount) for name, amount in heap_holder.types.items() if name]
    return replace(
        heap_holder,
        hops=tuple(
            HolderPathStep(name=hop.name[:MAX_NAME_LENGTH], type=hop.type[:MAX_NAME_LENGTH])
            for hop in heap_holder.hops
        ),
        types=dict([pair for pair in types if _are_counts(pair[1:])][:MAX_TYPES]),
    )


def _is_valid_unreachable(unreachable: UnreachableObjects, snapshot_count: int) -> bool:
    return (
        0 < len(unreachable.type) <= MAX_NAME_LENGTH
        and _has_count_per_snapshot(unreachable.counts, snapshot_count)
        and _has_count_per_snapshot(unreachable.bytes, snapshot_count)
    )


def _has_count_per_snapshot(numbers: Sequence[int], snapshot_count: int) -> bool:
    """Return whether there is one valid count for each snapshot."""
    return len(numbers) == snapshot_count and _are_counts(numbers)


def _is_rising(requests: Sequence[int]) -> bool:
    return all(before <= after for before, after in pairwise(requests))


def _are_counts(amounts: Iterable[int]) -> bool:
    return all(0 <= amount <= MAX_COUNT for amount in amounts)
