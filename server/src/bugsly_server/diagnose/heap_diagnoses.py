"""Diagnoses the holders that only a walk of the heap found."""

from __future__ import annotations

import math

from bugsly.protocol.evidence import HeapGrowth, HeapHolder, Holder
from bugsly_server.diagnose.causes import classify_cause
from bugsly_server.diagnose.diagnosis_revisions import (
    GUESS_CONFIDENCE,
    REMOVAL_DOUBT,
)
from bugsly_server.diagnose.heap.heap_attribution import total_gain
from bugsly_server.diagnose.heap.heap_holders import (
    GrowingHeapHolder,
    entry_type,
    heap_path_of,
    may_be_bounded,
)
from bugsly_server.diagnose.heap.walked_heap import (
    WalkedHeap,
    is_within,
)
from bugsly_server.diagnose.holder_paths import holder_name, owner_modules, path_names
from bugsly_server.diagnose.source_analysis.source_index import (
    OwnerSource,
    SourceIndex,
    library_folder,
)
from bugsly_server.model.diagnosis import (
    DiagnosedGrowth,
    DiagnosedHolder,
    Diagnosis,
    DiagnosisEvidence,
    EndpointAttribution,
)
from bugsly_server.model.units import count, size


def diagnose_heap_holders(
    walked: WalkedHeap | None, sources: SourceIndex, *, is_gc_enabled: bool
) -> list[Diagnosis]:
    """Return the diagnoses of the holders that only the walk found; of nested ones the outermost.

    What its source bounds is left out, though not what lies within it.
    """
    if walked is None:
        return []
    diagnosed: list[tuple[str, ...]] = []
    diagnoses = []
    for growing in walked.growing:
        path = growing.heap_holder.path
        if is_within(path, diagnosed):
            continue
        source = sources.of_owners(owner_modules(growing.heap_holder), growing.driver.endpoint)
        if source.has_limit or (source.mentions_limit and may_be_bounded(growing.heap_holder)):
            continue
        diagnosed.append(path_names(path))
        diagnoses.append(
            _diagnose(growing, source, walked.heap, sources, is_gc_enabled=is_gc_enabled)
        )
    return diagnoses


def _diagnose(
    growing: GrowingHeapHolder,
    source: OwnerSource,
    heap: HeapGrowth,
    sources: SourceIndex,
    *,
    is_gc_enabled: bool,
) -> Diagnosis:
    """Return the diagnosis of a holder that goes on growing."""
    heap_holder, growth, driver = growing.heap_holder, growing.growth, growing.driver
    holder = _as_census_holder(heap_holder, source.file or "")
    companions = [] if driver.symptom is None else [driver.symptom.holder]
    cause = classify_cause(holder, source.write_site, companions, is_gc_enabled=is_gc_enabled)
    return Diagnosis(
        cause=cause,
        is_leak=True,
        growth=DiagnosedGrowth(
            bytes_per_request=total_gain(heap_holder.retained) / growth.requests,
            part=1.0 if growing.part is None else min(1.0, growing.part),
            bytes=heap_holder.retained[-1],
        ),
        evidence=DiagnosisEvidence(
            confidence=_confidence(growing, source),
            reasons=tuple(_reasons(growing, heap)),
            falsifiers=("it is emptied, or reaches a bound, later than was watched",),
            worker_ids=driver.workers,
            heap_path=heap_path_of(heap_holder, heap),
        ),
        holder=DiagnosedHolder(
            name=holder.name,
            kind=None,
            library=holder.library or None,
            entries=heap_holder.counts[-1],
            entries_per_request=total_gain(heap_holder.counts) / growth.requests,
            bound_bytes=None,
            symptom=None if driver.symptom is None else driver.symptom.holder.name,
            removes_entries=False,
            has_unique_keys=False,
        ),
        location=sources.locate_write(holder, source.write_site, cause, driver.endpoint),
        attribution=EndpointAttribution(endpoint=driver.endpoint, shares=driver.shares),
    )


def _as_census_holder(heap_holder: HeapHolder, file: str) -> Holder:
    """Return *heap_holder* as the census would describe it."""
    return Holder(
        name=holder_name(heap_holder),
        kind=heap_holder.hops[-1].type,
        entry=entry_type(heap_holder),
        file=file,
        library=library_folder(file) or "",
    )


def _confidence(growing: GrowingHeapHolder, source: OwnerSource) -> float:
    """Return how sure it is, from how much was seen and from what agrees with it."""
    if may_be_bounded(growing.heap_holder) and (
        source.write_site is None or source.removes_entries
    ):
        return GUESS_CONFIDENCE
    seen = total_gain(growing.heap_holder.counts) or growing.growth.requests
    doubt = 0.5 / math.sqrt(max(1.0, seen / 40))
    doubt *= 0.6 if source.write_site is not None or growing.driver.symptom is not None else 1.0
    doubt *= 0.7 if growing.driver.endpoint else 1.0
    doubt += REMOVAL_DOUBT if source.removes_entries else 0.0
    return round(max(0.05, min(0.97, 1 - doubt)), 2)


def _reasons(growing: GrowingHeapHolder, heap: HeapGrowth) -> list[str]:
    heap_holder, snapshots = growing.heap_holder, len(heap.requests)
    entries, requests = total_gain(heap_holder.counts), total_gain(heap.requests)
    gained = f"{count(entries)} entries over {count(requests)} requests"
    reasons = [
        heap_path_of(heap_holder, heap).describe(holder_name(heap_holder)),
        f"it gained {gained}, and more in each of {snapshots} snapshots of the heap",
    ]
    if growing.part is not None:
        reasons.append(f"that is {min(1.0, growing.part):.0%} of what the worker's memory gained")
    if growing.driver.symptom is not None:
        reasons.append(f"{growing.driver.symptom.holder.name} gain as many")
    reasons.append(f"{count(heap.objects)} objects were walked, {size(heap.bytes)} in all")
    return reasons
