"""Diagnoses the holders that only a walk of the heap found."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bugsly.protocol.evidence import HeapGrowth
from bugsly_server.diagnose.causes import classify_cause
from bugsly_server.diagnose.confidence import GUESS_CONFIDENCE, REMOVAL_DOUBT
from bugsly_server.diagnose.heap.heap_attribution import GrowingHeapHolder
from bugsly_server.diagnose.heap.walked_heap import WalkedHeap, is_within
from bugsly_server.diagnose.source_analysis.holder_source import HolderSource
from bugsly_server.model.diagnosis import (
    DiagnosedGrowth,
    DiagnosedHolder,
    Diagnosis,
    DiagnosisEvidence,
)
from bugsly_server.model.units import count, size


def diagnose_heap_holders(
    walked: WalkedHeap | None, sources: Mapping[str, HolderSource], *, is_gc_enabled: bool
) -> list[Diagnosis]:
    """Return the diagnoses of the holders that only the walk found; of nested ones the outermost.

    A holder that its source bounds is left out; a holder within it is not.
    """
    if walked is None:
        return []
    diagnosed: list[tuple[str, ...]] = []
    diagnoses = []
    for growing in walked.growing:
        holder = growing.holder
        if is_within(holder.names, diagnosed):
            continue
        source = sources[holder.name]
        if source.is_bounded:
            continue
        diagnosed.append(holder.names)
        diagnoses.append(_diagnose(growing, source, walked.heap, is_gc_enabled=is_gc_enabled))
    return diagnoses


def _diagnose(
    growing: GrowingHeapHolder, source: HolderSource, heap: HeapGrowth, *, is_gc_enabled: bool
) -> Diagnosis:
    """Return the diagnosis of a holder that does not stop growing."""
    walked, requests, driver = growing.holder, growing.growth.requests, growing.driver
    companions = [] if driver.symptom is None else [driver.symptom.holder]
    return Diagnosis(
        cause=classify_cause(source, companions, is_gc_enabled=is_gc_enabled),
        is_leak=True,
        growth=DiagnosedGrowth(
            bytes_per_request=walked.gained_bytes / requests,
            part=1.0 if walked.part is None else min(1.0, walked.part),
            bytes=walked.path.bytes,
        ),
        evidence=DiagnosisEvidence(
            confidence=_confidence(growing, source),
            reasons=tuple(_reasons(growing, heap)),
            falsifiers=("it is emptied, or reaches a bound, later than was watched",),
            worker_ids=driver.worker_ids,
            heap_path=walked.path,
        ),
        holder=_diagnosed_holder(growing, source),
        attribution=driver.attribution,
    )


def _diagnosed_holder(growing: GrowingHeapHolder, source: HolderSource) -> DiagnosedHolder:
    walked, symptom = growing.holder, growing.driver.symptom
    return DiagnosedHolder(
        name=walked.name,
        kind=None,
        library=source.holder.library or None,
        entries=walked.path.entries,
        entries_per_request=walked.gained_entries / growing.growth.requests,
        bound_bytes=None,
        symptom=None if symptom is None else symptom.holder.name,
        removes_entries=False,
        has_unique_keys=False,
    )


def _confidence(growing: GrowingHeapHolder, source: HolderSource) -> float:
    """Return the confidence: it rises with the entries seen and the facts that agree."""
    holder, driver = growing.holder, growing.driver
    if holder.may_be_bounded and (source.write_site is None or source.removes_entries):
        return GUESS_CONFIDENCE
    seen = holder.gained_entries or growing.growth.requests
    doubt = 0.5 / math.sqrt(max(1.0, seen / 40))
    doubt *= 0.6 if source.write_site is not None or driver.symptom is not None else 1.0
    doubt *= 0.7 if driver.attribution.endpoint else 1.0
    doubt += REMOVAL_DOUBT if source.removes_entries else 0.0
    return round(max(0.05, min(0.97, 1 - doubt)), 2)


def _reasons(growing: GrowingHeapHolder, heap: HeapGrowth) -> list[str]:
    holder, symptom = growing.holder, growing.driver.symptom
    requests = heap.requests[-1] - heap.requests[0]
    gained = f"{count(holder.gained_entries)} entries over {count(requests)} requests"
    reasons = [
        holder.path.describe(holder.name),
        f"it gained {gained}, and more in each of {len(heap.requests)} snapshots of the heap",
    ]
    if holder.part is not None:
        reasons.append(f"that is {min(1.0, holder.part):.0%} of what the worker's memory gained")
    if symptom is not None:
        reasons.append(f"{symptom.holder.name} gain as many")
    reasons.append(f"{count(heap.objects)} objects were walked, {size(heap.bytes)} in all")
    return reasons
