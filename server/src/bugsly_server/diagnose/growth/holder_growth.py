"""Measures how each holder grew over all workers, and which requests drove it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bugsly.protocol.evidence import Holder
from bugsly_server.diagnose.growth.endpoint_attribution import (
    AttributedGrowth,
    GrowthInterval,
    attribute_intervals,
)
from bugsly_server.diagnose.growth.growth_pattern import (
    ENTRIES_THRESHOLD,
    RARE_ENTRIES_THRESHOLD,
    RESOURCES_THRESHOLD,
    CountGrowth,
    GrowthPattern,
    GrowthThreshold,
    HolderPoint,
    judge_growth,
)
from bugsly_server.diagnose.growth.memory_growth import MemoryGrowth
from bugsly_server.model.diagnosis import EndpointAttribution
from bugsly_server.model.leak_evidence import LeakEvidence, TimeBucket, WorkerHistory

WARM_UP_PART = 0.08
"""The part of a worker's requests that is left out as its warm-up."""
MAX_WARM_UP_REQUESTS = 100
MAX_WORKERS = 6
"""The workers in which a holder grew most; the others are ignored."""
MAX_INTERVALS = 48
"""Per worker: more intervals would take longer and show nothing more."""
RARE_REQUEST_RATIO = 10
"""Requests per driving request from which a holder is driven rarely."""
COUNTED_KINDS = frozenset(
    {"thread", "handler", "receiver", "metric", "subclass", "connection", "survivor", "descriptor"}
    | {"engine", "callback", "outside"}
)
UNIQUE_KEY_KINDS = frozenset(
    {"dict", "set", "OrderedDict", "defaultdict", "lru_cache", "WeakValueDictionary"}
)
"""Kinds of holders that keep each key once."""
KEY_VALUE_SEPARATOR = ": "
MAX_RATE_DIFFERENCE = 0.2
"""The relative difference of entries per request up to which two holders grow together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderGrowth:
    """How one holder grew. Sizes are bytes."""

    holder: Holder
    attribution: EndpointAttribution
    has_unique_keys: bool
    """Whether it keeps each key once."""
    by_worker: Mapping[int, CountGrowth]
    """By id of the worker."""
    pattern: GrowthPattern
    entries_per_request: float
    """Entries per driving request."""
    bytes_by_worker: Mapping[int, int]
    """Bytes it gained, by id of the worker."""
    part: float
    """Of the growth of the workers' memory, 0 to 1; 1 where none surely grows."""
    total: GrowthInterval
    """What it gained in all workers, and the requests meanwhile."""

    @property
    def is_steady(self) -> bool:
        """Return whether it grows steadily and is larger than it was."""
        return self.pattern is GrowthPattern.STEADY and self.entries_per_request > 0

    @property
    def is_stopping(self) -> bool:
        """Return whether it stops by itself: it has a bound, or slows down."""
        return self.pattern in {GrowthPattern.BOUNDED, GrowthPattern.FILLING}

    @property
    def endpoint(self) -> str | None:
        """Return the endpoint that drives it, or the one that its probe saw; None where unknown."""
        return self.attribution.endpoint or self.holder.endpoint or None

    @property
    def gained_entries(self) -> int:
        """Return how many entries it gained, in all workers."""
        return sum(growth.gained for growth in self.by_worker.values())

    @property
    def max_entries(self) -> int:
        """Return its entries in the worker that holds the most."""
        return max((growth.final_level for growth in self.by_worker.values()), default=0)

    @property
    def is_rarely_driven(self) -> bool:
        """Return whether so few requests drive it that a judgement takes long."""
        driving = sum(growth.requests for growth in self.by_worker.values())
        return driving * RARE_REQUEST_RATIO <= sum(self.total.served.values())

    @property
    def is_hint(self) -> bool:
        """Return whether each request that drove it added to it, but too few did to be sure."""
        is_excluded = self.holder.kind in COUNTED_KINDS or self.has_unique_keys
        if self.pattern is not GrowthPattern.EARLY or is_excluded or not self.is_rarely_driven:
            return False
        threshold = RESOURCES_THRESHOLD.gained
        growths = [one for one in self.by_worker.values() if one.gained >= threshold]
        return bool(growths) and all(growth.is_new_each_request for growth in growths)

    @property
    def steady_workers(self) -> tuple[int, ...]:
        """Return the workers in which it grows steadily."""
        return tuple(
            one for one, growth in self.by_worker.items() if growth.pattern is GrowthPattern.STEADY
        )


def measure_holder_growth(
    evidence: LeakEvidence, limits: Mapping[str, int], memory: MemoryGrowth
) -> list[HolderGrowth]:
    """Return the growth of each holder that grew, heaviest first.

    *limits* are the numbers of entries at which the source stops a holder, by its name.
    """
    growths = [
        _measure_holder(holder, evidence.histories, limits.get(name), memory)
        for name, holder in evidence.holders.items()
    ]
    return sorted(
        (growth for growth in growths if growth is not None),
        key=lambda growth: (
            -sum(growth.bytes_by_worker.values()),
            -growth.gained_entries,
            growth.holder.name,
        ),
    )


def have_similar_rates(left: float, right: float) -> bool:
    """Return whether two holders gain about as many entries per request."""
    return abs(left - right) <= MAX_RATE_DIFFERENCE * max(left, right)


def _measure_holder(
    holder: Holder,
    histories: Sequence[WorkerHistory],
    source_limit: int | None,
    memory: MemoryGrowth,
) -> HolderGrowth | None:
    by_worker = _fastest_histories(holder.name, histories)
    if not by_worker:
        return None
    attributed = attribute_intervals(
        [interval for history in by_worker.values() for interval in history.intervals]
    )
    driving = iter(attributed.driving_requests)
    has_unique_keys = _has_unique_keys(holder)
    limit = holder.bound if holder.bound is not None else source_limit
    threshold = _threshold_for(holder, attributed, has_unique_keys=has_unique_keys)
    growths = {
        worker: judge_growth(
            _points_along(holder_history, driving),
            limit,
            has_unique_keys=has_unique_keys,
            threshold=threshold,
        )
        for worker, holder_history in by_worker.items()
    }
    bytes_by_worker = {
        worker: max(0, growth.gained) * holder.entry_bytes for worker, growth in growths.items()
    }
    return HolderGrowth(
        holder=holder,
        attribution=attributed.attribution,
        has_unique_keys=has_unique_keys,
        by_worker=growths,
        pattern=_agreed_pattern(growths),
        entries_per_request=_entries_per_request(growths),
        bytes_by_worker=bytes_by_worker,
        part=memory.part_of(bytes_by_worker),
        total=attributed.total,
    )


def _fastest_histories(name: str, histories: Sequence[WorkerHistory]) -> dict[int, _HolderHistory]:
    """Return the history of a holder in the workers where it gained most, by worker id.

    Empty where it gained too little in all of them.
    """
    gained = {history.worker_id: _gained_entries(history, name) for history in histories}
    fastest = sorted(histories, key=lambda history: -gained[history.worker_id])[:MAX_WORKERS]
    if not fastest or gained[fastest[0].worker_id] < RESOURCES_THRESHOLD.gained:
        return {}
    by_worker = {history.worker_id: _holder_history(history, name) for history in fastest}
    return {worker: history for worker, history in by_worker.items() if history.intervals}


def _has_unique_keys(holder: Holder) -> bool:
    """Return whether *holder* keeps each key once, as a set, or a mapping of keys to values."""
    return (
        holder.kind in UNIQUE_KEY_KINDS
        or "dict" in holder.kind.lower()
        or KEY_VALUE_SEPARATOR in holder.entry
    )


def _threshold_for(
    holder: Holder, attributed: AttributedGrowth, *, has_unique_keys: bool
) -> GrowthThreshold:
    """Return how much of *holder* must be seen before it is judged."""
    if holder.kind in COUNTED_KINDS:
        return RESOURCES_THRESHOLD
    driving = sum(attributed.driving_requests)
    is_rare = driving * RARE_REQUEST_RATIO <= attributed.total.requests
    return RARE_ENTRIES_THRESHOLD if is_rare and not has_unique_keys else ENTRIES_THRESHOLD


def _gained_entries(history: WorkerHistory, name: str) -> int:
    counts = [
        bucket.holder_counts[name] for bucket in history.buckets if name in bucket.holder_counts
    ]
    return counts[-1] - counts[0] if counts else 0


class _HolderHistory(NamedTuple):
    first_count: int
    """The first known count."""
    intervals: Sequence[GrowthInterval]
    """What happened after it."""


def _holder_history(history: WorkerHistory, name: str) -> _HolderHistory:
    buckets = _without_warm_up(history.buckets)
    counted = sum(name in bucket.holder_counts for bucket in buckets)
    stride, seen = -(-counted // MAX_INTERVALS), 0
    first_count: int | None = None
    previous = 0
    served: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    intervals: list[GrowthInterval] = []
    for bucket in buckets:
        served.update(bucket.served)
        failed.update(bucket.failed)
        count = bucket.holder_counts.get(name)
        if count is None:
            continue
        seen += 1
        if first_count is not None and seen % stride and seen < counted:
            continue
        if first_count is None:
            first_count = count
        elif served:
            intervals.append(GrowthInterval(count - previous, dict(served), dict(failed)))
        previous = count
        served.clear()
        failed.clear()
    return _HolderHistory(first_count or 0, intervals)


def _without_warm_up(buckets: Sequence[TimeBucket]) -> Sequence[TimeBucket]:
    """Return *buckets* after the warm-up."""
    if not buckets:
        return buckets
    warm_up_end = min(MAX_WARM_UP_REQUESTS, WARM_UP_PART * buckets[-1].requests)
    return [bucket for bucket in buckets if bucket.requests > warm_up_end]


def _points_along(holder_history: _HolderHistory, driving: Iterator[int]) -> list[HolderPoint]:
    """Return the counts of a holder; *driving* yields the driving requests of each interval."""
    points = [HolderPoint(0, holder_history.first_count)]
    for interval in holder_history.intervals:
        requests = points[-1].requests + next(driving)
        points.append(HolderPoint(requests, points[-1].level + round(interval.gained)))
    return points


def _agreed_pattern(growths: Mapping[int, CountGrowth]) -> GrowthPattern:
    """Return the pattern of the workers that together served the most requests."""
    weights: Counter[GrowthPattern] = Counter()
    for growth in growths.values():
        if growth.pattern not in {GrowthPattern.EARLY, GrowthPattern.STILL}:
            weights[growth.pattern] += growth.requests
    if not weights:
        patterns = {growth.pattern for growth in growths.values()}
        return GrowthPattern.EARLY if GrowthPattern.EARLY in patterns else GrowthPattern.STILL
    return weights.most_common(1)[0][0]


def _entries_per_request(growths: Mapping[int, CountGrowth]) -> float:
    requests = sum(growth.requests for growth in growths.values())
    return sum(growth.gained for growth in growths.values()) / requests if requests else 0.0
