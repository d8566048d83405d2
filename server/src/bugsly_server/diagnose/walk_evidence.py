"""Revises a diagnosis by what a walk of the heap found: confirms it, doubts it, or adds to it."""

from __future__ import annotations

from dataclasses import replace

from bugsly_server.diagnose.confidence import GUESS_CONFIDENCE
from bugsly_server.diagnose.heap.heap_holders import WalkedHolder
from bugsly_server.diagnose.heap.walked_heap import MAX_EXPLAINED_PART, WalkedHeap
from bugsly_server.diagnose.holder_paths import path_names
from bugsly_server.diagnose.source_analysis.source_index import SourceIndex
from bugsly_server.diagnose.unreachable import add_unreachable_objects
from bugsly_server.model.diagnosis import Cause, DiagnosedGrowth, Diagnosis

MIN_DECISIVE_PART = 0.5
"""The part of a growth that one holder has to account for to be what keeps it."""


def revise_by_walk(
    diagnosis: Diagnosis, walked: WalkedHeap | None, sources: SourceIndex
) -> Diagnosis:
    """Return *diagnosis* with what *walked* shows of its holder, or of a growth without one."""
    if walked is None:
        return diagnosis
    if diagnosis.holder is None:
        revised = _doubt_native_leak(diagnosis, walked)
    else:
        revised = _add_heap_path(diagnosis, diagnosis.holder.name, walked)
    return add_unreachable_objects(revised, walked, sources)


def _doubt_native_leak(unattributed: Diagnosis, walked: WalkedHeap) -> Diagnosis:
    """Return *unattributed* as unknown where the walk met a holder large enough to explain it.

    That holder is not named, because it may yet stop; but memory held by Python is no native leak.
    """
    if unattributed.cause is not Cause.NATIVE:
        return unattributed
    for holder in walked.holders:
        if holder.part is not None and MIN_DECISIVE_PART <= holder.part <= MAX_EXPLAINED_PART:
            reason = f"{holder.path.describe(holder.name)}, and may yet stop"
            evidence = replace(
                unattributed.evidence,
                confidence=GUESS_CONFIDENCE,
                reasons=(reason, *unattributed.evidence.reasons),
            )
            return replace(unattributed, cause=Cause.UNKNOWN, is_leak=False, evidence=evidence)
    return unattributed


def _add_heap_path(diagnosis: Diagnosis, name: str, walked: WalkedHeap) -> Diagnosis:
    """Return *diagnosis* of the holder *name* with the path to it, where the walk met it too."""
    names = path_names(name)
    holder = next((one for one in walked.holders if one.names == names), None)
    if holder is None or diagnosis.evidence.heap_path is not None:
        return diagnosis
    first, *others = diagnosis.evidence.reasons
    reason = f"in a walk of the heap, {holder.path.describe(name)}"
    return replace(
        diagnosis,
        growth=_reweighed(diagnosis, holder),
        evidence=replace(
            diagnosis.evidence, reasons=(first, reason, *others), heap_path=holder.path
        ),
    )


def _reweighed(diagnosis: Diagnosis, walked: WalkedHolder) -> DiagnosedGrowth:
    """Return the growth of *diagnosis*, by the weight that the walk saw where that is more.

    The census weighs one entry, and does not follow it far.
    """
    growth, holder = diagnosis.growth, diagnosis.holder
    if (
        holder is None
        or walked.gained_entries <= 0
        or walked.gained_bytes <= 0
        or not growth.bytes_per_request
    ):
        return growth
    bytes_per_entry = walked.gained_bytes / walked.gained_entries
    factor = bytes_per_entry * holder.entries_per_request / growth.bytes_per_request
    if factor <= 1:
        return growth
    return DiagnosedGrowth(
        bytes_per_request=factor * growth.bytes_per_request,
        part=min(1.0, factor * growth.part),
        bytes=max(growth.bytes, walked.path.bytes),
    )
