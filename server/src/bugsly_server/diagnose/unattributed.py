"""Diagnoses the growth that no holder explains: native leaks, cycles, and retained free memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bugsly.protocol.evidence import AllocationSite, AllocationWindow, TrimResult
from bugsly_server.diagnose.confidence import GUESS_CONFIDENCE
from bugsly_server.diagnose.growth.live_bytes import MemoryGain
from bugsly_server.diagnose.growth.memory_growth import MemoryGrowth
from bugsly_server.model.diagnosis import (
    Cause,
    DiagnosedGrowth,
    Diagnosis,
    DiagnosisEvidence,
    SourceLocation,
)
from bugsly_server.model.leak_evidence import LeakEvidence
from bugsly_server.model.units import count, size

MIN_DECISIVE_PART = 0.5
"""The part of a growth that a fact has to account for to be decisive."""
MIN_REQUESTS_TO_SHOW = 400
"""Requests after which a growing holder would have been noticed."""
MAX_LIVE_PART = 0.45
MIN_TRIMMED_PART = 0.75
"""The part of the gain that one malloc_trim returns where memory was only retained."""


def diagnose_unattributed(
    evidence: LeakEvidence, memory: MemoryGrowth, known: Collection[Diagnosis]
) -> Diagnosis | None:
    """Return the diagnosis of the growth that the *known* diagnoses leave unexplained.

    None where they explain most of it. None also instead of a native leak where a holder still
    fills: it may weigh more than it seems to.
    """
    certain = [one for one in known if one.evidence.confidence > GUESS_CONFIDENCE]
    explained_part = min(1.0, sum(one.growth.part for one in certain))
    if not memory.gaining or explained_part >= MIN_DECISIVE_PART:
        return None
    window, attribution = memory.allocation_window, memory.gaining_attribution
    _, gain = max(
        memory.gaining, key=lambda pair: (not pair[0].allocation_windows, pair[1].private_bytes)
    )
    cause, confidence, reasons = _classify(gain, window, evidence)
    if cause is Cause.NATIVE and any(one.cause is Cause.BOUNDED for one in known):
        return None
    per_request = (
        attribution.shares[0].slope
        if attribution.endpoint
        else gain.private_bytes / max(1, gain.requests)
    )
    return Diagnosis(
        cause=cause,
        is_leak=cause in {Cause.NATIVE, Cause.CYCLES},
        growth=DiagnosedGrowth(
            bytes_per_request=per_request, part=1.0 - explained_part, bytes=gain.private_bytes
        ),
        evidence=DiagnosisEvidence(
            confidence=confidence,
            reasons=tuple(reasons),
            falsifiers=FALSIFIERS.get(cause, ()),
            worker_ids=tuple(one.worker_id for one, _ in memory.gaining),
        ),
        location=SourceLocation(site=_line_of(window, cause), file=None),
        attribution=attribution,
    )


def _line_of(window: AllocationWindow | None, cause: Cause) -> str | None:
    """Return the line that allocated most of what outlived *window*; free memory has none."""
    if window is None or not window.lines or cause is Cause.RETENTION:
        return None
    return window.lines[0].site or None


FALSIFIERS: dict[Cause, tuple[str, ...]] = {
    Cause.NATIVE: (
        "something Python does reach keeps the memory, in a place that no probe looks into",
    ),
    Cause.CYCLES: ("memory goes on growing with the collector on",),
    Cause.RETENTION: ("live bytes grow as well once more was served",),
    Cause.UNKNOWN: ("memory stops growing by itself",),
}


def _classify(
    gain: MemoryGain, window: AllocationWindow | None, evidence: LeakEvidence
) -> tuple[Cause, float, list[str]]:
    """Return the cause, the confidence in it, and the reasons."""
    trims = [trim for history in evidence.histories for trim in history.trims]
    reasons = [
        f"private memory gained {size(gain.private_bytes)} over {count(gain.requests)} requests",
        "no container, cache, thread or connection that was seen to grow accounts for it",
    ]
    if window is not None and window.lines:
        reasons.insert(0, f"{_describe_line(window.lines[0])} outlived the requests that made it")
    if evidence.is_gc_disabled:
        reason = "Python's cyclic collector is off"
        return Cause.CYCLES, 0.8, [reason, *reasons]
    trim_reason = _trim_reason(trims, gain)
    if trim_reason:
        return Cause.RETENTION, 0.9, [trim_reason, *reasons]
    if gain.live_bytes is not None:
        reasons.insert(0, f"live bytes gained {size(max(0, gain.live_bytes))}")
    if (
        gain.live_bytes is not None
        and (gain.max_live_bytes or 0) < MAX_LIVE_PART * gain.private_bytes
    ):
        return Cause.RETENTION, 0.8, [f"{reasons[0]} only: the rest is free and kept", *reasons[1:]]
    if (
        not _is_watched_long_enough(evidence)
        or not trims
        or not (_are_live_bytes_growing(gain) or _outlives_requests(window, gain))
    ):
        return Cause.UNKNOWN, 0.4, reasons
    return Cause.NATIVE, 0.75 if window is not None else 0.6, reasons


def _are_live_bytes_growing(gain: MemoryGain) -> bool:
    """Return whether live bytes account for the growth, and still grow at the end."""
    return (
        gain.live_bytes is not None
        and gain.live_bytes >= MIN_DECISIVE_PART * gain.private_bytes
        and gain.is_steady
    )


def _outlives_requests(window: AllocationWindow | None, gain: MemoryGain) -> bool:
    """Return whether allocations that outlived their requests in *window* are most of the growth.

    False where allocators report live bytes, which are more reliable: an entry of a full cache
    outlives a window too, before the next one replaces it.
    """
    if window is None or not window.requests or gain.live_bytes is not None:
        return False
    bytes_per_request = sum(line.bytes for line in window.lines) / window.requests
    return bytes_per_request >= MIN_DECISIVE_PART * gain.private_bytes / max(1, gain.requests)


def _trim_reason(trims: Iterable[TrimResult], gain: MemoryGain) -> str:
    """Return the reason that a trim returned most of the growth, empty where none did."""
    for trim in trims:
        if trim.before - trim.after >= MIN_TRIMMED_PART * gain.private_bytes:
            change = f"from {size(trim.before)} to {size(trim.after)}"
            cycles = f"a collection freed {count(trim.garbage)} objects in cycles, and "
            return f"{cycles if trim.garbage > 0 else ''}malloc_trim took memory {change}"
    return ""


def _describe_line(line: AllocationSite) -> str:
    named = {"at": line.site, "within": line.inner}
    where = ", ".join(f"{how} {place}" for how, place in named.items() if place)
    return f"{size(line.bytes)} in {count(line.count)} allocations {where}"


def _is_watched_long_enough(evidence: LeakEvidence) -> bool:
    """Return whether any worker served enough requests for a holder to be noticed."""
    return any(
        history.buckets and history.buckets[-1].requests >= MIN_REQUESTS_TO_SHOW
        for history in evidence.histories
    )
