"""Finds the holders of a walked heap that grow, and that no count of the census reaches.

A walk lasts some hundred requests, in which a cache that fills looks like a leak. So it only names
holders that something else has shown to grow for long: the memory of a worker, or objects that
were seen to stay behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bugsly.protocol.evidence import HeapGrowth, HeapHolder
from bugsly_server.diagnose.growth.growth_pattern import LifeGrowth
from bugsly_server.diagnose.growth.holder_growth import (
    KEYED_KINDS,
    HolderGrowth,
    have_similar_rates,
)
from bugsly_server.diagnose.growth.live_bytes import MemoryGain
from bugsly_server.diagnose.growth.memory_growth import MemoryGrowth
from bugsly_server.diagnose.heap.heap_attribution import (
    DriverCandidates,
    GrowthDriver,
    is_whole_number,
    judge_even_growth,
    one_to_one_endpoints,
    total_gain,
)
from bugsly_server.diagnose.heap.heap_holders import GrowingHeapHolder
from bugsly_server.diagnose.holder_paths import path_names
from bugsly_server.model.leak_evidence import LeakEvidence, WorkerHistory

MIN_EXPLAINED_PART = 0.2
"""The part of a worker's growth from which a holder may be its cause."""
MAX_EXPLAINED_PART = 4.0
"""Times a worker's growth, from which a holder's is of another kind: memory would show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkedHeap:
    """The latest walk of a heap, and the worker whose heap it is."""

    history: WorkerHistory
    heap: HeapGrowth
    memory: MemoryGrowth
    """Of the application's workers."""
    growing: tuple[GrowingHeapHolder, ...] = ()
    """The holders that surely go on growing and that only the walk found, outer ones first."""

    @property
    def gain(self) -> MemoryGain | None:
        """Return what the memory of its worker gained, None where that was not measured."""
        return self.memory.gains.get(self.history.worker_id)

    def part_of(self, heap_holder: HeapHolder) -> float | None:
        """Return which part of the workers' growth is *heap_holder*'s; None where none is sure."""
        per_request = total_gain(heap_holder.retained) / max(1, total_gain(self.heap.requests))
        memory_per_request = self.memory.bytes_per_request
        return per_request / memory_per_request if memory_per_request else None


def read_walked_heap(
    evidence: LeakEvidence, memory: MemoryGrowth, growths: Sequence[HolderGrowth]
) -> WalkedHeap | None:
    """Return the latest walk of the release that runs now, with what grew in it.

    It is the walk of a growing worker if there is one; None where no heap was walked.
    """
    walked = _latest_walk(evidence, memory)
    if walked is None:
        return None
    return replace(walked, growing=tuple(_find_growing(walked, growths)))


def _latest_walk(evidence: LeakEvidence, memory: MemoryGrowth) -> WalkedHeap | None:
    growing_ids = memory.worker_ids
    considered = memory.growing or evidence.histories
    release = max(considered, key=_last_seen_at).release if considered else ""
    found = [one for one in evidence.histories if one.heaps and one.release == release]
    history = max(
        found,
        key=lambda history: (history.worker_id in growing_ids, _last_seen_at(history)),
        default=None,
    )
    if history is None:
        return None
    return WalkedHeap(history=history, heap=history.heaps[-1], memory=memory)


def _find_growing(
    walked: WalkedHeap, growths: Sequence[HolderGrowth]
) -> Iterator[GrowingHeapHolder]:
    """Yield the holders that go on growing, without those that the census counts.

    Those within a holder that stops are left out too.
    """
    candidates = DriverCandidates.from_growths(walked.memory, growths)
    counted = {path_names(growth.holder.name) for growth in growths}
    stopping = [growth for growth in growths if growth.is_stopping]
    covered = [path_names(growth.holder.name) for growth in stopping]
    for growing in _growing_heap_holders(walked, candidates):
        path = growing.heap_holder.path
        if (
            path_names(path) not in counted
            and not is_within(path, covered)
            and _is_lasting(growing, stopping)
        ):
            yield growing


def is_within(path: str, outer: Sequence[tuple[str, ...]]) -> bool:
    """Return whether *path* begins with the names of one of *outer*."""
    names = path_names(path)
    return any(names[: len(one)] == one for one in outer)


def _growing_heap_holders(
    walked: WalkedHeap, candidates: DriverCandidates
) -> Iterator[GrowingHeapHolder]:
    """Yield the retainers that gained with the requests that drive them, outer ones first."""
    for heap_holder in sorted(walked.heap.retainers, key=lambda heap_holder: len(heap_holder.hops)):
        part = walked.part_of(heap_holder)
        for driver in candidates.of_heap_holder(
            walked.history, walked.heap.requests, heap_holder.counts
        ):
            growth = _judge_growth(heap_holder, walked, driver)
            if growth is not None:
                yield GrowingHeapHolder(
                    heap_holder=heap_holder, growth=growth, driver=driver, part=part
                )
                break


def _judge_growth(
    heap_holder: HeapHolder, walked: WalkedHeap, driver: GrowthDriver
) -> LifeGrowth | None:
    """Return how *heap_holder* grew with what *driver* drives, None where it did not, or may not."""
    judge = partial(judge_even_growth, walked.history, driver.shares, walked.heap.requests)
    weighed, counted = judge(heap_holder.retained), judge(heap_holder.counts)
    growth = weighed if total_gain(heap_holder.counts) == 0 else counted
    if (
        weighed is None
        or growth is None
        or (_is_keyed(heap_holder) and not _brings_new_keys(growth, heap_holder, walked))
    ):
        return None
    return growth


def _brings_new_keys(growth: LifeGrowth, heap_holder: HeapHolder, walked: WalkedHeap) -> bool:
    """Return whether each request brings as many new keys: of a stock that ends ever fewer are."""
    return is_whole_number(growth.per_request) or bool(
        one_to_one_endpoints(walked.history, walked.heap.requests, heap_holder.counts)
    )


def _is_lasting(growing: GrowingHeapHolder, stopping: Sequence[HolderGrowth]) -> bool:
    """Return whether something that was watched for longer says that *growing* goes on."""
    if growing.driver.symptom is not None:
        return True
    if growing.driver.duplicate is not None and not growing.driver.duplicate.holder.library:
        return False
    if any(
        have_similar_rates(growing.growth.per_request, growth.entries_per_request)
        for growth in stopping
    ):
        return False
    return growing.part is not None and MIN_EXPLAINED_PART <= growing.part <= MAX_EXPLAINED_PART


def _is_keyed(heap_holder: HeapHolder) -> bool:
    kind = heap_holder.hops[-1].type.rpartition(".")[2]
    return kind in KEYED_KINDS or "dict" in kind.lower()


def _last_seen_at(history: WorkerHistory) -> int:
    return history.buckets[-1].at if history.buckets else 0
