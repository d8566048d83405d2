"""Finds the holders of a walked heap that grew, and the requests that drive each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bugsly_server.diagnose.growth.endpoint_attribution import (
    GrowthInterval,
    driving_endpoint,
    driving_requests,
    has_driver,
)
from bugsly_server.diagnose.growth.growth_pattern import (
    ENTRIES_THRESHOLD,
    CountGrowth,
    GrowthPattern,
)
from bugsly_server.diagnose.growth.holder_growth import HolderGrowth, have_similar_rates
from bugsly_server.diagnose.growth.memory_growth import MemoryGrowth
from bugsly_server.diagnose.growth.process_gauges import GAUGE_NAMES
from bugsly_server.diagnose.heap.heap_holders import WalkedHolder, total_gain
from bugsly_server.model.diagnosis import EndpointAttribution, EndpointShare, is_symptom_kind
from bugsly_server.model.leak_evidence import WorkerHistory

MIN_SNAPSHOTS = 3
"""Two snapshots do not show whether a growth is even."""
WHOLE_NUMBER_TOLERANCE = 0.1
"""How far entries per request may differ from a whole number: samples count the requests."""
MIN_EVENNESS = 0.5
"""The least gain per request of the slowest interval, relative to the fastest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthDriver:
    """The requests that drive a growth."""

    attribution: EndpointAttribution
    symptom: HolderGrowth | None
    """A symptom that grows at the same rate, and was seen to grow for long."""
    duplicate: HolderGrowth | None
    """A holder that the census counts, and that grows at the same rate."""
    worker_ids: tuple[int, ...]
    """The workers that show it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingHeapHolder:
    """A holder that gained with the requests that drive it."""

    holder: WalkedHolder
    growth: CountGrowth
    """Over those requests: of entries, or of bytes where it grows by bytes alone."""
    driver: GrowthDriver


def find_growing_holders(
    history: WorkerHistory,
    holders: Sequence[WalkedHolder],
    memory: MemoryGrowth,
    growths: Sequence[HolderGrowth],
) -> Iterator[GrowingHeapHolder]:
    """Yield the *holders* in the heap of *history* that grew with requests, outer ones first.

    What drives *memory* or the counted *growths* may drive them too.
    """
    steady = [one for one in growths if one.pattern is GrowthPattern.STEADY]
    for holder in sorted(holders, key=lambda holder: len(holder.path.hops)):
        for driver in _possible_drivers(history, holder, memory, steady):
            growth = _judge_growth(history, holder, driver)
            if growth is not None:
                yield GrowingHeapHolder(holder=holder, growth=growth, driver=driver)
                break


def _possible_drivers(
    history: WorkerHistory,
    holder: WalkedHolder,
    memory: MemoryGrowth,
    steady: Sequence[HolderGrowth],
) -> list[GrowthDriver]:
    """Return what may drive *holder*, the likely drivers first.

    Memory as a whole may grow with other requests than one holder does. Symptoms are counted in
    bursts, so that the requests that seem to drive them may be the wrong ones.
    """
    candidates = [
        find_one_to_one_endpoint(history, holder.path.requests, holder.path.counts),
        memory.attribution.shares,
        *(one.attribution.shares for one in steady if _is_symptom(one)),
        (),
    ]
    candidates.sort(key=lambda shares: not has_driver(shares))
    found = [_driver_of(history, holder, shares, memory, steady) for shares in candidates]
    return sorted(found, key=lambda driver: driver.symptom is None)


def _driver_of(
    history: WorkerHistory,
    holder: WalkedHolder,
    shares: tuple[EndpointShare, ...],
    memory: MemoryGrowth,
    steady: Sequence[HolderGrowth],
) -> GrowthDriver:
    """Return what drives *holder* where *shares* do."""
    driving = [_driving_requests_at(history, shares, one) for one in holder.path.requests]
    rate = holder.gained_entries / max(1, total_gain(driving))
    similar = [one for one in steady if have_similar_rates(rate, one.per_request_driven_by(shares))]
    symptom = next((one for one in similar if _is_symptom(one)), None)
    endpoint, worker_ids = driving_endpoint(shares), memory.worker_ids
    if symptom is not None:
        endpoint, worker_ids = endpoint or symptom.holder.endpoint or None, symptom.steady_workers
    return GrowthDriver(
        attribution=EndpointAttribution(endpoint=endpoint, shares=shares),
        symptom=symptom,
        duplicate=next((one for one in similar if not _is_symptom(one)), None),
        worker_ids=worker_ids,
    )


def _is_symptom(growth: HolderGrowth) -> bool:
    return is_symptom_kind(growth.holder.kind) or growth.holder.name in GAUGE_NAMES


def _judge_growth(
    history: WorkerHistory, holder: WalkedHolder, driver: GrowthDriver
) -> CountGrowth | None:
    """Return how *holder* grew with the requests of *driver*, None where it may not have grown."""
    shares, requests = driver.attribution.shares, holder.path.requests
    weighed = judge_even_growth(history, shares, requests, holder.retained)
    counted = judge_even_growth(history, shares, requests, holder.path.counts)
    growth = weighed if holder.gained_entries == 0 else counted
    if weighed is None or growth is None:
        return None
    return (
        growth if not holder.has_unique_keys or _brings_new_keys(history, holder, growth) else None
    )


def _brings_new_keys(history: WorkerHistory, holder: WalkedHolder, growth: CountGrowth) -> bool:
    """Return whether each request adds as many new keys, as it would not if they ran out."""
    return _is_whole_number(growth.per_request) or bool(
        _one_to_one_endpoints(history, holder.path.requests, holder.path.counts)
    )


def judge_even_growth(
    history: WorkerHistory,
    shares: Sequence[EndpointShare],
    at_requests: Sequence[int],
    levels: Sequence[int],
) -> CountGrowth | None:
    """Return how something with the counts *levels* grew in *history*.

    *at_requests* are the requests that were answered at each of them. None where it did not gain
    about as much per driving request in every interval, or where too little was seen. That it goes
    on growing has to be known from other evidence.
    """
    if (
        len(levels) < MIN_SNAPSHOTS
        or total_gain(levels) < ENTRIES_THRESHOLD.gained
        or total_gain(at_requests) < ENTRIES_THRESHOLD.requests
    ):
        return None
    driving_requests = [_driving_requests_at(history, shares, requests) for requests in at_requests]
    rates = _interval_rates(levels, driving_requests)
    if min(rates) <= 0 or min(rates) < MIN_EVENNESS * max(rates):
        return None
    return CountGrowth(
        GrowthPattern.STEADY, total_gain(levels), max(1, total_gain(driving_requests)), levels[-1]
    )


def find_one_to_one_endpoint(
    history: WorkerHistory, at_requests: Sequence[int], levels: Sequence[int]
) -> tuple[EndpointShare, ...]:
    """Return the one endpoint whose requests each added the same number, empty unless one does."""
    found = _one_to_one_endpoints(history, at_requests, levels)
    return tuple(found) if len(found) == 1 else ()


def _one_to_one_endpoints(
    history: WorkerHistory, at_requests: Sequence[int], levels: Sequence[int]
) -> list[EndpointShare]:
    """Return the endpoints of which each request may have added the same whole number of entries.

    A few snapshots suffice to rule out chance. Endpoints that always come together cannot be told
    apart.
    """
    if len(levels) < MIN_SNAPSHOTS:
        return []
    found = []
    for name in {name for bucket in history.buckets for name in bucket.served}:
        share = EndpointShare(endpoint=name, slope=1.0, low=1.0, high=1.0, part=1.0)
        rates = _interval_rates(
            levels, [_driving_requests_at(history, (share,), answered) for answered in at_requests]
        )
        if all(_is_whole_number(rate) and round(rate) == round(rates[0]) for rate in rates):
            mean = sum(rates) / len(rates)
            found.append(replace(share, slope=mean, low=min(rates), high=max(rates)))
    return found


def _is_whole_number(rate: float) -> bool:
    """Return whether *rate* is a whole number of entries per request, within the tolerance."""
    whole = round(rate)
    return whole >= 1 and abs(rate - whole) <= WHOLE_NUMBER_TOLERANCE * whole


def _interval_rates(levels: Sequence[int], driving_requests: Sequence[int]) -> list[float]:
    return [
        (later - earlier) / max(1, until - since)
        for (earlier, later), (since, until) in zip(
            pairwise(levels), pairwise(driving_requests), strict=True
        )
    ]


def _driving_requests_at(
    history: WorkerHistory, shares: Sequence[EndpointShare], at_requests: int
) -> int:
    """Return the driving requests among the first *at_requests* that *history* answered."""
    answered, driving = 0, 0
    for bucket in history.buckets:
        served = driving_requests(GrowthInterval(0.0, bucket.served, bucket.failed), shares)
        if bucket.requests >= at_requests:
            part = (at_requests - answered) / max(1, bucket.requests - answered)
            return driving + round(part * served)
        answered, driving = bucket.requests, driving + served
    return round(driving * at_requests / max(1, answered))
