"""Finds the holders and the unreachable objects of a walked heap that grew with requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bugsly.protocol.evidence import HeapGrowth, UnreachableObjects
from bugsly_server.diagnose.growth.endpoint_attribution import driving_endpoint, has_driver
from bugsly_server.diagnose.growth.growth_pattern import (
    ENTRIES_THRESHOLD,
    CountGrowth,
    GrowthPattern,
)
from bugsly_server.diagnose.growth.holder_growth import HolderGrowth, have_similar_rates
from bugsly_server.diagnose.growth.memory_growth import MemoryGrowth
from bugsly_server.diagnose.growth.process_gauges import GAUGE_NAMES
from bugsly_server.diagnose.heap.candidate_drivers import (
    CandidateDriver,
    CandidateDrivers,
    Shares,
)
from bugsly_server.diagnose.heap.heap_holders import WalkedHolder, total_gain
from bugsly_server.model.diagnosis import EndpointAttribution, is_symptom_kind

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


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingUnreachable:
    """Objects that no root leads to, and how their number depends on requests."""

    objects: UnreachableObjects
    even_with: frozenset[Shares]
    """The requests with which they gain evenly, as the shares of candidate drivers."""
    one_to_one: Shares
    """The one endpoint whose requests each left the same number; empty unless one does."""


def find_growing_holders(
    holders: Sequence[WalkedHolder], drivers: CandidateDrivers, memory: MemoryGrowth
) -> Iterator[GrowingHeapHolder]:
    """Yield the *holders* in a heap that grew with requests, outer ones first.

    What drives *memory* or a counted symptom may drive them too.
    """
    for holder in sorted(holders, key=lambda holder: len(holder.path.hops)):
        for candidate, driver in _possible_drivers(holder, drivers, memory):
            growth = _judge_growth(holder, candidate, drivers)
            if growth is not None:
                yield GrowingHeapHolder(holder=holder, growth=growth, driver=driver)
                break


def find_growing_unreachable(
    heap: HeapGrowth, drivers: CandidateDrivers
) -> Iterator[GrowingUnreachable]:
    """Yield the objects that no root leads to, and whose number grew evenly with requests."""
    for objects in heap.orphans:
        even_with = frozenset(
            shares
            for shares, candidate in drivers.by_shares.items()
            if _judge_even_growth(heap.requests, candidate, objects.counts) is not None
        )
        if even_with:
            found = _one_to_one_endpoints(drivers, objects.counts)
            yield GrowingUnreachable(
                objects=objects,
                even_with=even_with,
                one_to_one=found[0].shares if len(found) == 1 else (),
            )


def _possible_drivers(
    holder: WalkedHolder, drivers: CandidateDrivers, memory: MemoryGrowth
) -> list[tuple[CandidateDriver, GrowthDriver]]:
    """Return what may drive *holder*, the likely drivers first.

    Memory as a whole may grow with other requests than one holder does. Symptoms are counted in
    bursts, so that the requests that seem to drive them may be the wrong ones.
    """
    alone = _one_to_one_endpoints(drivers, holder.path.counts)
    all_requests = drivers.by_shares[()]
    symptoms = [one for one, _ in all_requests.steady_rates if _is_symptom(one)]
    candidates = [
        alone[0] if len(alone) == 1 else all_requests,
        drivers.by_shares[memory.attribution.shares],
        *(drivers.by_shares[one.attribution.shares] for one in symptoms),
        all_requests,
    ]
    candidates.sort(key=lambda candidate: not has_driver(candidate.shares))
    found = [(candidate, _driver_of(holder, candidate, memory)) for candidate in candidates]
    return sorted(found, key=lambda pair: pair[1].symptom is None)


def _driver_of(
    holder: WalkedHolder, candidate: CandidateDriver, memory: MemoryGrowth
) -> GrowthDriver:
    """Return what drives *holder* where *candidate* does."""
    rate = holder.gained_entries / max(1, total_gain(candidate.at_snapshots))
    similar = [one for one, gained in candidate.steady_rates if have_similar_rates(rate, gained)]
    symptom = next((one for one in similar if _is_symptom(one)), None)
    endpoint, worker_ids = driving_endpoint(candidate.shares), memory.worker_ids
    if symptom is not None:
        endpoint, worker_ids = endpoint or symptom.holder.endpoint or None, symptom.steady_workers
    return GrowthDriver(
        attribution=EndpointAttribution(endpoint=endpoint, shares=candidate.shares),
        symptom=symptom,
        duplicate=next((one for one in similar if not _is_symptom(one)), None),
        worker_ids=worker_ids,
    )


def _is_symptom(growth: HolderGrowth) -> bool:
    return is_symptom_kind(growth.holder.kind) or growth.holder.name in GAUGE_NAMES


def _judge_growth(
    holder: WalkedHolder, candidate: CandidateDriver, drivers: CandidateDrivers
) -> CountGrowth | None:
    """Return how *holder* grew with *candidate*, None where it may not have grown."""
    requests = holder.path.requests
    weighed = _judge_even_growth(requests, candidate, holder.retained)
    counted = _judge_even_growth(requests, candidate, holder.path.counts)
    growth = weighed if holder.gained_entries == 0 else counted
    if weighed is None or growth is None:
        return None
    brings_new_keys = (
        not holder.has_unique_keys
        or _is_whole_number(growth.per_request)
        or bool(_one_to_one_endpoints(drivers, holder.path.counts))
    )
    return growth if brings_new_keys else None


def _judge_even_growth(
    at_requests: Sequence[int], candidate: CandidateDriver, levels: Sequence[int]
) -> CountGrowth | None:
    """Return how something with the counts *levels* grew with the requests of *candidate*.

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
    rates = _interval_rates(levels, candidate.at_snapshots)
    if min(rates) <= 0 or min(rates) < MIN_EVENNESS * max(rates):
        return None
    driving = max(1, total_gain(candidate.at_snapshots))
    return CountGrowth(GrowthPattern.STEADY, total_gain(levels), driving, levels[-1])


def _one_to_one_endpoints(
    drivers: CandidateDrivers, levels: Sequence[int]
) -> list[CandidateDriver]:
    """Return the endpoints of which each request may have added the same whole number of entries.

    A few snapshots suffice to rule out chance. Endpoints that always come together cannot be told
    apart.
    """
    if len(levels) < MIN_SNAPSHOTS:
        return []
    found = []
    for candidate in drivers.by_endpoint:
        rates = _interval_rates(levels, candidate.at_snapshots)
        if all(_is_whole_number(rate) and round(rate) == round(rates[0]) for rate in rates):
            mean = sum(rates) / len(rates)
            (share,) = candidate.shares
            share = replace(share, slope=mean, low=min(rates), high=max(rates))
            found.append(replace(candidate, shares=(share,)))
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
