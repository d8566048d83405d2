"""From a walked heap to the holders in it that no count of the census reaches.

A walk lasts some hundred requests, in which a cache that fills looks like a leak. So it only names
what something else has shown to grow for long: the memory of a worker, or objects seen to be left
behind. What may have a bound that a walk cannot see is a guess, until its source says otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bugsly.protocol.evidence import HeapGrowth, HeapHolder
from bugsly_server.diagnose.diagnosis_revisions import (
    with_confidence,
    with_growth,
    with_heap_path,
    with_reasons,
    with_second_reason,
)
from bugsly_server.diagnose.duplicates import have_similar_rates
from bugsly_server.diagnose.growth.growth_pattern import GrowthPattern, LifeGrowth
from bugsly_server.diagnose.growth.holder_growth import KEYED_KINDS, HolderGrowth
from bugsly_server.diagnose.heap.heap_attribution import (
    DriverCandidates,
    GrowthDriver,
    is_whole_number,
    judge_even_growth,
    memory_gain_per_request,
    one_to_one_endpoints,
    total_gain,
)
from bugsly_server.diagnose.heap.heap_holders import (
    GUESS_CONFIDENCE,
    GrowingHeapHolder,
    diagnose_heap_holder,
    find_usage,
    heap_path_of,
)
from bugsly_server.diagnose.heap.holder_paths import holder_name, path_names
from bugsly_server.diagnose.unattributed import MIN_DECISIVE_PART
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.leak_evidence import LeakEvidence, WorkerHistory

MIN_EXPLAINED_PART = 0.2
"""The part of a worker's growth from which a holder may be its cause."""
MAX_EXPLAINED_PART = 4.0
"""Times a worker's growth, from which a holder's is of another kind: memory would show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkedHeap:
    """The heap that counts, and the worker whose it is."""

    history: WorkerHistory
    heap: HeapGrowth


def latest_walked_heap(evidence: LeakEvidence, growing_ids: Collection[int]) -> WalkedHeap | None:
    """Return the latest heap of the code that runs now, rather one of a worker that grows."""
    present_ids = [one.worker_id for one in evidence.histories if one.worker_id in growing_ids]
    considered = [
        one for one in evidence.histories if not present_ids or one.worker_id in present_ids
    ]
    release = max(considered, key=_last_seen_at).release if considered else ""
    found = [one for one in evidence.histories if one.heaps and one.release == release]
    history = max(
        found,
        key=lambda history: (history.worker_id in present_ids, _last_seen_at(history)),
        default=None,
    )
    return None if history is None else WalkedHeap(history=history, heap=history.heaps[-1])


def diagnose_heap_holders(
    walked: WalkedHeap,
    evidence: LeakEvidence,
    growing_ids: Collection[int],
    growths: Sequence[HolderGrowth],
) -> list[Diagnosis]:
    """Return the diagnoses of the holders that only the walk found; of nested ones the outermost.

    What the census counts is its business, and so is what lies within a holder that stops.
    """
    candidates = DriverCandidates.from_evidence(evidence, growing_ids, growths)
    counted = {path_names(growth.holder.name) for growth in growths}
    stopping = [
        growth
        for growth in growths
        if growth.pattern in {GrowthPattern.BOUNDED, GrowthPattern.FILLING}
    ]
    covered = [path_names(growth.holder.name) for growth in stopping]
    diagnoses = []
    for growing in _growing_heap_holders(walked, candidates):
        path = path_names(growing.heap_holder.path)
        is_covered = any(path[: len(outer)] == outer for outer in covered)
        if path in counted or is_covered or not _is_lasting(growing, stopping):
            continue
        usage = find_usage(growing, evidence.sources)
        if not usage.is_bounded:
            covered.append(path)
            diagnoses.append(diagnose_heap_holder(growing, usage, walked.heap, evidence))
    return diagnoses


def doubt_native_leak(
    unattributed: Diagnosis,
    walked: WalkedHeap,
    evidence: LeakEvidence,
    growing_ids: Collection[int],
) -> Diagnosis:
    """Return *unattributed*, which nothing was seen to hold, as unknown where the walk met what may do so.

    A holder that may yet stop is not named; but nothing leaks below Python that Python holds.
    """
    if unattributed.cause is not Cause.NATIVE:
        return unattributed
    memory_per_request = memory_gain_per_request(evidence, growing_ids)
    for heap_holder in walked.heap.retainers:
        part = _growth_part(heap_holder, walked, memory_per_request)
        if part is not None and MIN_DECISIVE_PART <= part <= MAX_EXPLAINED_PART:
            reason = f"{heap_path_of(heap_holder, walked.heap).describe(holder_name(heap_holder))}, and may yet stop"
            doubtful = replace(unattributed, cause=Cause.UNKNOWN, is_leak=False)
            return with_reasons(with_confidence(doubtful, GUESS_CONFIDENCE), first=[reason])
    return unattributed


def add_heap_path(diagnosis: Diagnosis, walked: WalkedHeap) -> Diagnosis:
    """Return *diagnosis* with the way to its holder, where the walk met that one too."""
    name = diagnosis.holder_name
    if name is None or diagnosis.evidence.heap_path is not None:
        return diagnosis
    for heap_holder in walked.heap.retainers:
        if path_names(heap_holder.path) == path_names(name):
            heap_path = heap_path_of(heap_holder, walked.heap)
            reason = f"in a walk of the heap, {heap_path.describe(name)}"
            confirmed = with_heap_path(with_second_reason(diagnosis, reason), heap_path)
            return _reweigh(confirmed, heap_holder)
    return diagnosis


def _reweigh(diagnosis: Diagnosis, heap_holder: HeapHolder) -> Diagnosis:
    """Return *diagnosis* with the weight of what *heap_holder* gained, where that is heavier.

    The census looks at one entry, and not far into it.
    """
    growth, holder = diagnosis.growth, diagnosis.holder
    gained, bytes_per_request = total_gain(heap_holder.counts), growth.bytes_per_request
    if (
        holder is None
        or gained <= 0
        or not bytes_per_request
        or total_gain(heap_holder.retained) <= 0
    ):
        return diagnosis
    factor = (
        total_gain(heap_holder.retained) / gained * holder.entries_per_request / bytes_per_request
    )
    if factor <= 1:
        return diagnosis
    return with_growth(
        diagnosis,
        bytes_per_request=factor * bytes_per_request,
        held_bytes=max(growth.bytes, heap_holder.retained[-1]),
        part=factor * growth.part,
    )


def _growing_heap_holders(
    walked: WalkedHeap, candidates: DriverCandidates
) -> Iterator[GrowingHeapHolder]:
    """Yield the retainers that gained with the requests that drive them, outer ones first."""
    for heap_holder in sorted(walked.heap.retainers, key=lambda heap_holder: len(heap_holder.hops)):
        part = _growth_part(heap_holder, walked, candidates.memory_per_request)
        for driver in candidates.of_heap_holder(
            walked.history, walked.heap.requests, heap_holder.counts
        ):
            growth = _judge_growth(heap_holder, walked, driver)
            if growth is not None:
                yield GrowingHeapHolder(
                    heap_holder=heap_holder, growth=growth, driver=driver, part=part
                )
                break


def _growth_part(
    heap_holder: HeapHolder, walked: WalkedHeap, memory_per_request: float
) -> float | None:
    """Return the part of the *memory_per_request* gained per request that is *heap_holder*'s; None of none."""
    requests = max(1, total_gain(walked.heap.requests))
    return (
        total_gain(heap_holder.retained) / requests / memory_per_request
        if memory_per_request
        else None
    )


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
