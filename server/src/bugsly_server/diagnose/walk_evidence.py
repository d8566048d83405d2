"""Revises a diagnosis by a walk of the heap, which confirms it, doubts it or says more."""

from __future__ import annotations

from dataclasses import replace

from bugsly.protocol.evidence import HeapHolder
from bugsly_server.diagnose.diagnosis_revisions import (
    GUESS_CONFIDENCE,
    with_confidence,
    with_growth,
    with_heap_path,
    with_reasons,
    with_second_reason,
)
from bugsly_server.diagnose.heap.heap_attribution import total_gain
from bugsly_server.diagnose.heap.heap_holders import heap_path_of
from bugsly_server.diagnose.heap.walked_heap import MAX_EXPLAINED_PART, WalkedHeap
from bugsly_server.diagnose.holder_paths import holder_name, path_names
from bugsly_server.diagnose.source_analysis.source_index import SourceIndex
from bugsly_server.diagnose.unreachable import add_unreachable_objects
from bugsly_server.model.diagnosis import Cause, Diagnosis

MIN_DECISIVE_PART = 0.5
"""The part of a growth that one holder has to account for to be what keeps it."""


def revise_by_walk(
    diagnosis: Diagnosis, walked: WalkedHeap | None, sources: SourceIndex
) -> Diagnosis:
    """Return *diagnosis* with what *walked* says of its holder, or of a growth without one."""
    if walked is None:
        return diagnosis
    if diagnosis.holder is None:
        revised = _doubt_native_leak(diagnosis, walked)
    else:
        revised = _add_heap_path(diagnosis, walked)
    return add_unreachable_objects(revised, walked, sources)


def _add_heap_path(diagnosis: Diagnosis, walked: WalkedHeap) -> Diagnosis:
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


def _doubt_native_leak(unattributed: Diagnosis, walked: WalkedHeap) -> Diagnosis:
    """Return *unattributed* as unknown where the walk met a holder that may keep its memory.

    A holder that may yet stop is not named; but what Python holds does not leak below Python.
    """
    if unattributed.cause is not Cause.NATIVE:
        return unattributed
    for heap_holder in walked.heap.retainers:
        part = walked.part_of(heap_holder)
        if part is not None and MIN_DECISIVE_PART <= part <= MAX_EXPLAINED_PART:
            kept = heap_path_of(heap_holder, walked.heap).describe(holder_name(heap_holder))
            doubtful = replace(unattributed, cause=Cause.UNKNOWN, is_leak=False)
            return with_reasons(
                with_confidence(doubtful, GUESS_CONFIDENCE), first=[f"{kept}, and may yet stop"]
            )
    return unattributed
