"""Measures what a worker gained after its warm-up, and how many of those bytes are live."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from bugsly.protocol.evidence import AllocationWindow
from bugsly_server.diagnose.growth.endpoint_attribution import GrowthInterval
from bugsly_server.model.leak_evidence import TimeBucket, WorkerHistory

DEFAULT_BLOCK_BYTES = 90.0
"""The assumed mean size of a block of Python's own allocator."""
MAX_BLOCK_BYTES = 512.0
"""The largest block; larger requests go to the C allocator, and are counted there."""
MIN_BUCKETS = 6
MIN_LIVE_COVERAGE = 0.5
"""The part of a worker's requests over which live bytes must have been read."""
MIN_LIVE_HALVES_RATIO = 0.6
"""The ratio of the later to the earlier half of live growth from which it will not stop."""


class MemoryGain(NamedTuple):
    """What a worker gained after its warm-up. Sizes are bytes."""

    requests: int
    private_bytes: int
    live_bytes: int | None
    """What was allocated and not freed; None where the allocators do not report it."""
    max_live_bytes: int | None
    """The same if all blocks of Python's allocator had the maximum size."""
    is_steady: bool
    """Whether live bytes grow as fast in the later half as in the earlier."""


def memory_gain(
    history: WorkerHistory, block_bytes: float = DEFAULT_BLOCK_BYTES
) -> MemoryGain | None:
    """Return what *history* gained after its first eighth; None while it is too short."""
    buckets = history.buckets
    if len(buckets) < MIN_BUCKETS:
        return None
    start = buckets[len(buckets) // 8]
    end_buckets = buckets[-max(2, len(buckets) // 8) :]
    live = live_byte_series(buckets[len(buckets) // 8 :], block_bytes)
    max_live = live_byte_series(buckets[len(buckets) // 8 :], MAX_BLOCK_BYTES)
    early, late = _gain_by_half(live)
    return MemoryGain(
        requests=buckets[-1].requests - start.requests,
        private_bytes=min(bucket.anonymous for bucket in end_buckets)
        - _lowest_bucket(buckets, start.requests).anonymous,
        live_bytes=_extrapolate(live, buckets, early + late),
        max_live_bytes=_extrapolate(max_live, buckets, sum(_gain_by_half(max_live))),
        is_steady=late >= MIN_LIVE_HALVES_RATIO * early > 0,
    )


def _extrapolate(
    live: Sequence[tuple[int, float]], buckets: Sequence[TimeBucket], gained: float
) -> int | None:
    """Return *gained*, measured over *live*, as a gain over all of *buckets*.

    None where *live* covers too few of their requests.
    """
    if len(live) < MIN_BUCKETS:
        return None
    seen = live[-1][0] - live[0][0]
    if seen < MIN_LIVE_COVERAGE * (buckets[-1].requests - buckets[0].requests):
        return None
    return round(gained * max(1.0, (buckets[-1].requests - live[0][0]) / seen))


def live_byte_series(
    buckets: Sequence[TimeBucket], block_bytes: float = DEFAULT_BLOCK_BYTES
) -> list[tuple[int, float]]:
    """Return requests and live bytes at each bucket where the allocators were read.

    Python's own allocator is required only where it was read at all.
    """
    has_block_counts = any(bucket.blocks is not None for bucket in buckets)
    return [
        (bucket.requests, bucket.in_use + (bucket.blocks or 0) * block_bytes)
        for bucket in buckets
        if bucket.in_use and (bucket.blocks is not None or not has_block_counts)
    ]


def _gain_by_half(live: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Return what live bytes gained in each half of the requests, without outliers."""
    if len(live) < MIN_BUCKETS:
        return 0.0, 0.0
    smooth = [
        (live[index][0], statistics.median(amount for _, amount in live[index - 1 : index + 2]))
        for index in range(1, len(live) - 1)
    ]
    (first, begin), (last, end) = smooth[0], smooth[-1]
    inner = _interpolate(smooth, (first + last) / 2)
    return inner - begin, end - inner


def _interpolate(live: Sequence[tuple[int, float]], requests: float) -> float:
    """Return live bytes after *requests*, interpolated linearly between two readings."""
    for (left, before), (right, after) in pairwise(live):
        if left <= requests <= right:
            return before + (after - before) * (requests - left) / max(1, right - left)
    return live[-1][1]


def _lowest_bucket(buckets: Sequence[TimeBucket], requests: int) -> TimeBucket:
    """Return the bucket with the least memory around the one that had served *requests*."""
    nearby = [bucket for bucket in buckets if requests <= bucket.requests <= requests * 1.5] or [
        buckets[0]
    ]
    return min(nearby, key=lambda bucket: bucket.anonymous)


def mean_block_bytes(window: AllocationWindow | None) -> float:
    """Return the mean size of the blocks of Python's allocator that outlived *window*."""
    blocks = sum(line.count for line in window.lines) if window is not None else 0
    if window is None or not blocks:
        return DEFAULT_BLOCK_BYTES
    return min(MAX_BLOCK_BYTES, sum(line.bytes for line in window.lines) / blocks)


def growth_intervals(histories: Sequence[WorkerHistory]) -> list[GrowthInterval]:
    """Return what live bytes gained between readings; of memory where they were not read."""
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
