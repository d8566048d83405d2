"""Reads the latest walk of a heap: its holders, and the growing ones that the census misses.

A walk lasts some hundred requests, and during them a cache that fills looks like a leak. So a
holder counts as growing only where other evidence shows a long growth: the memory of a worker, or
a symptom.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bugsly.protocol.evidence import HeapGrowth
from bugsly_server.diagnose.growth.holder_growth import HolderGrowth, have_similar_rates
from bugsly_server.diagnose.growth.live_bytes import MemoryGain
from bugsly_server.diagnose.growth.memory_growth import MemoryGrowth
from bugsly_server.diagnose.heap.candidate_drivers import list_candidate_drivers
from bugsly_server.diagnose.heap.heap_attribution import (
    GrowingHeapHolder,
    GrowingUnreachable,
    find_growing_holders,
    find_growing_unreachable,
)
from bugsly_server.diagnose.heap.heap_holders import WalkedHolder, describe_holders
from bugsly_server.diagnose.holder_paths import path_names
from bugsly_server.model.leak_evidence import LeakEvidence, WorkerHistory

MIN_EXPLAINED_PART = 0.2
"""The part of a worker's growth from which a holder may be its cause."""
MAX_EXPLAINED_PART = 4.0
"""Multiple of a worker's growth from which a holder cannot be its cause: memory would show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkedHeap:
    """The latest walk of a heap, and the worker whose heap it is."""

    history: WorkerHistory
    heap: HeapGrowth
    gain: MemoryGain | None
    """What the memory of the worker gained; None where it was not watched for long enough."""
    holders: tuple[WalkedHolder, ...]
    growing: tuple[GrowingHeapHolder, ...]
    """The holders that surely do not stop, and that only the walk found; outer ones first."""
    unreachable: tuple[GrowingUnreachable, ...]
    """The objects that no root leads to, and whose number grew."""


def read_walked_heap(
    evidence: LeakEvidence, memory: MemoryGrowth, growths: Sequence[HolderGrowth]
) -> WalkedHeap | None:
    """Return the latest walk of the release that runs now, with what grew in it.

    It is the walk of a growing worker if there is one; None where no heap was walked.
    """
    history = _latest_walked(evidence, memory)
    if history is None:
        return None
    heap = history.heaps[-1]
    holders = describe_holders(heap, memory.bytes_per_request)
    drivers = list_candidate_drivers(history, heap.requests, memory, growths)
    growing = find_growing_holders(holders, drivers, memory)
    return WalkedHeap(
        history=history,
        heap=heap,
        gain=memory.gains.get(history.worker_id),
        holders=holders,
        growing=tuple(_only_walked(growing, growths)),
        unreachable=tuple(find_growing_unreachable(heap, drivers)),
    )


def _latest_walked(evidence: LeakEvidence, memory: MemoryGrowth) -> WorkerHistory | None:
    growing_ids = memory.worker_ids
    considered = memory.growing or evidence.histories
    release = max(considered, key=_last_seen_at).release if considered else ""
    return max(
        (one for one in evidence.histories if one.heaps and one.release == release),
        key=lambda history: (history.worker_id in growing_ids, _last_seen_at(history)),
        default=None,
    )


def _last_seen_at(history: WorkerHistory) -> int:
    return history.buckets[-1].at if history.buckets else 0


def _only_walked(
    found: Iterable[GrowingHeapHolder], growths: Sequence[HolderGrowth]
) -> list[GrowingHeapHolder]:
    """Return those of *found* that surely do not stop and that the census does not count.

    Holders within one that stops are left out too.
    """
    counted = {path_names(growth.holder.name) for growth in growths}
    stopping = [growth for growth in growths if growth.is_stopping]
    covered = [path_names(growth.holder.name) for growth in stopping]
    return [
        one
        for one in found
        if one.holder.names not in counted
        and not is_within(one.holder.names, covered)
        and _is_lasting(one, stopping)
    ]


def is_within(names: tuple[str, ...], outer: Sequence[tuple[str, ...]]) -> bool:
    """Return whether the path of *names* begins with one of *outer*."""
    return any(names[: len(one)] == one for one in outer)


def _is_lasting(growing: GrowingHeapHolder, stopping: Sequence[HolderGrowth]) -> bool:
    """Return whether evidence of a longer time shows that *growing* does not stop."""
    if growing.driver.symptom is not None:
        return True
    if growing.driver.duplicate is not None and not growing.driver.duplicate.holder.library:
        return False
    if any(
        have_similar_rates(growing.growth.per_request, growth.entries_per_request)
        for growth in stopping
    ):
        return False
    part = growing.holder.part
    return part is not None and MIN_EXPLAINED_PART <= part <= MAX_EXPLAINED_PART
