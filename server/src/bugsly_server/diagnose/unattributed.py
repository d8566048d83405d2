"""What no holder explains: native leaks, cycles, and memory that is free but kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bugsly.protocol.evidence import AllocationSite, AllocationWindow, TrimResult
from bugsly_server.diagnose.growth.endpoint_attribution import (
    GrowthInterval,
    attribute_growth,
    driving_endpoint,
)
from bugsly_server.diagnose.growth.live_bytes import (
    DEFAULT_BLOCK_BYTES,
    MAX_BLOCK_BYTES,
    MIN_BUCKETS,
    MemoryGain,
    live_byte_series,
    memory_gain,
)
from bugsly_server.model.diagnosis import (
    Cause,
    DiagnosedGrowth,
    Diagnosis,
    DiagnosisEvidence,
    EndpointAttribution,
    SourceLocation,
)
from bugsly_server.model.leak_evidence import LeakEvidence, WorkerHistory
from bugsly_server.model.units import count, size

MIN_DECISIVE_PART = 0.5
"""The part of a growth that a fact has to account for to decide it."""
MAX_LIVE_PART = 0.45
MIN_TRIMMED_PART = 0.75
"""The part of what was gained that one malloc_trim gives back where memory is only kept."""


def diagnose_unattributed(
    evidence: LeakEvidence, growing_ids: Sequence[int], explained_part: float, *, was_watched: bool
) -> Diagnosis | None:
    """Return the diagnosis of what the holders leave unexplained in the *growing_ids* workers.

    *explained_part* is the part of the growth that they account for, 0 to 1; *was_watched* whether the
    agents looked for holders long enough to have found one.
    """
    histories = [history for history in evidence.histories if history.worker_id in growing_ids]
    window = _latest_window(evidence.histories)
    block_bytes = _block_bytes(window)
    gains = [(history, memory_gain(history, block_bytes)) for history in histories]
    measured = [(history, gain) for history, gain in gains if gain and gain.private_bytes > 0]
    if not measured or explained_part >= MIN_DECISIVE_PART:
        return None
    _, gain = max(
        measured, key=lambda pair: (not pair[0].allocation_windows, pair[1].private_bytes)
    )
    shares = attribute_growth(growth_intervals([one for one, _ in measured]))
    trims = [trim for one in evidence.histories for trim in one.trims]
    cause, confidence, reasons = _classify(
        gain, window, trims, was_watched=was_watched, is_collector_off=is_gc_disabled(evidence)
    )
    line = next(iter(window.lines), None) if window is not None else None
    site = line.site if line is not None and cause is not Cause.RETENTION else None
    endpoint = driving_endpoint(shares)
    per_request = shares[0].slope if endpoint else gain.private_bytes / max(1, gain.requests)
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
            worker_ids=tuple(one.worker_id for one, _ in measured),
        ),
        location=SourceLocation(site=site or None, file=None),
        attribution=EndpointAttribution(endpoint=endpoint, shares=shares),
    )


FALSIFIERS: dict[Cause, tuple[str, ...]] = {
    Cause.NATIVE: (
        "something Python does reach keeps the memory, in a place that no probe looks into",
    ),
    Cause.CYCLES: ("memory goes on growing with the collector on",),
    Cause.RETENTION: ("live bytes grow as well once more was served",),
    Cause.UNKNOWN: ("memory stops growing by itself",),
}


def _classify(
    gain: MemoryGain,
    window: AllocationWindow | None,
    trims: Sequence[TrimResult],
    *,
    was_watched: bool,
    is_collector_off: bool,
) -> tuple[Cause, float, list[str]]:
    """Return the cause, how sure it is, and the facts."""
    reasons = [
        f"private memory gained {size(gain.private_bytes)} over {count(gain.requests)} requests",
        "no container, cache, thread or connection that was seen to grow accounts for it",
    ]
    if window is not None and window.lines:
        reasons.insert(0, f"{_describe_line(window.lines[0])} outlived the requests that made it")
    if is_collector_off:
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
        not was_watched
        or not trims
        or not (_are_live_bytes_growing(gain) or _outlives_requests(window, gain))
    ):
        return Cause.UNKNOWN, 0.4, reasons
    return Cause.NATIVE, 0.75 if window is not None else 0.6, reasons


def _are_live_bytes_growing(gain: MemoryGain) -> bool:
    """Return whether what was given out grows as memory does, and to the end."""
    return (
        gain.live_bytes is not None
        and gain.live_bytes >= MIN_DECISIVE_PART * gain.private_bytes
        and gain.is_steady
    )


def _outlives_requests(window: AllocationWindow | None, gain: MemoryGain) -> bool:
    """Return whether what outlived its requests in *window* is most of the growth.

    Only asked where the allocators do not tell: what a full cache keeps for a while, before it
    makes room for the next, outlives a window too.
    """
    if window is None or not window.requests or gain.live_bytes is not None:
        return False
    bytes_per_request = sum(line.bytes for line in window.lines) / window.requests
    return bytes_per_request >= MIN_DECISIVE_PART * gain.private_bytes / max(1, gain.requests)


def _trim_reason(trims: Iterable[TrimResult], gain: MemoryGain) -> str:
    """Return the fact that a trim gave most of the growth back, empty where none did."""
    for trim in trims:
        if trim.before - trim.after >= MIN_TRIMMED_PART * gain.private_bytes:
            change = f"from {size(trim.before)} to {size(trim.after)}"
            cycles = f"a collection freed {count(trim.garbage)} objects in cycles, and "
            return f"{cycles if trim.garbage > 0 else ''}malloc_trim took memory {change}"
    return ""


def is_gc_disabled(evidence: LeakEvidence) -> bool:
    """Return whether workers run without Python's cyclic collector.

    Objects frozen before the fork, as is usual with preload_app, cannot grow in number.
    """
    switches = ("gc_enabled", "gc_threshold")
    return any(history.facts.get(one, 1) == 0 for history in evidence.histories for one in switches)


def _latest_window(histories: Iterable[WorkerHistory]) -> AllocationWindow | None:
    """Return the latest window in the first of *histories* that has one: all run the same code."""
    return next(
        (history.allocation_windows[-1] for history in histories if history.allocation_windows),
        None,
    )


def _block_bytes(window: AllocationWindow | None) -> float:
    """Return what a block of Python's allocator weighs, the mean of what outlived *window*."""
    blocks = sum(line.count for line in window.lines) if window is not None else 0
    if window is None or not blocks:
        return DEFAULT_BLOCK_BYTES
    return min(MAX_BLOCK_BYTES, sum(line.bytes for line in window.lines) / blocks)


def _describe_line(line: AllocationSite) -> str:
    named = {"at": line.site, "within": line.inner}
    where = ", ".join(f"{how} {place}" for how, place in named.items() if place)
    return f"{size(line.bytes)} in {count(line.count)} allocations {where}"


def growth_intervals(histories: Sequence[WorkerHistory]) -> list[GrowthInterval]:
    """Return what live bytes gained from reading to reading, or memory where nothing tells."""
    intervals = []
    for history in histories:
        buckets = history.buckets[len(history.buckets) // 8 :]
        live = live_byte_series(buckets)
        levels = (
            dict(live)
            if len(live) >= MIN_BUCKETS
            else {bucket.requests: bucket.anonymous for bucket in buckets}
        )
        served: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        previous: float | None = None
        for bucket in buckets:
            served.update(bucket.served)
            failed.update(bucket.failed)
            level = levels.get(bucket.requests)
            if level is None:
                continue
            if previous is not None and served:
                intervals.append(GrowthInterval(level - previous, dict(served), dict(failed)))
            previous = level
            served.clear()
            failed.clear()
    return intervals
