"""Which requests drive what a walked heap holds ever more of, and what else says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    GrowthPattern,
    LifeGrowth,
)
from bugsly_server.diagnose.growth.holder_growth import HolderGrowth, have_similar_rates
from bugsly_server.diagnose.growth.memory_growth import MemoryGrowth
from bugsly_server.diagnose.growth.process_gauges import GAUGE_NAMES
from bugsly_server.model.diagnosis import EndpointShare, is_symptom_kind
from bugsly_server.model.leak_evidence import WorkerHistory

MIN_SNAPSHOTS = 3
"""Two are no course."""
WHOLE_NUMBER_TOLERANCE = 0.1
"""How far entries per request may lie from a whole number, since samples count the requests."""
MIN_EVENNESS = 0.5
"""The least that the slowest interval gains per request, of what the fastest does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthDriver:
    """The requests that drive a growth."""

    shares: tuple[EndpointShare, ...]
    endpoint: str | None
    """The one that drives it, None where none does."""
    symptom: HolderGrowth | None
    """What is left behind as often, and was seen to grow for long."""
    duplicate: HolderGrowth | None
    """A holder that the census knows, which gains as much with each request."""
    workers: tuple[int, ...]
    """Those that show it."""


def judge_even_growth(
    history: WorkerHistory,
    shares: Sequence[EndpointShare],
    at_requests: Sequence[int],
    levels: Sequence[int],
) -> LifeGrowth | None:
    """Return how something grew that held *levels* when *history* had answered *at_requests* requests.

    None where it did not gain in every interval, about as much with each request that drives it;
    or too little to tell, or in too few of them. That it goes on has to be known from elsewhere.
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
    return LifeGrowth(
        GrowthPattern.STEADY, total_gain(levels), max(1, total_gain(driving_requests)), levels[-1]
    )


def find_one_to_one_endpoint(
    history: WorkerHistory, at_requests: Sequence[int], levels: Sequence[int]
) -> tuple[EndpointShare, ...]:
    """Return the endpoint each request of which brought as many entries, if there is one such."""
    found = one_to_one_endpoints(history, at_requests, levels)
    return tuple(found) if len(found) == 1 else ()


def one_to_one_endpoints(
    history: WorkerHistory, at_requests: Sequence[int], levels: Sequence[int]
) -> list[EndpointShare]:
    """Return the endpoints each request of which may have brought as many entries.

    Not even a handful of snapshots leave room for chance there; but endpoints that always come
    together cannot be told apart.
    """
    if len(levels) < MIN_SNAPSHOTS:
        return []
    found = []
    for name in {name for bucket in history.buckets for name in bucket.served}:
        share = EndpointShare(endpoint=name, slope=1.0, low=1.0, high=1.0, part=1.0)
        rates = _interval_rates(
            levels, [_driving_requests_at(history, (share,), answered) for answered in at_requests]
        )
        if all(is_whole_number(rate) and round(rate) == round(rates[0]) for rate in rates):
            mean = sum(rates) / len(rates)
            found.append(replace(share, slope=mean, low=min(rates), high=max(rates)))
    return found


def is_whole_number(rate: float) -> bool:
    """Return whether a request brings a whole number of entries, as far as can be told."""
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
    """Return how many driving requests *history* had answered when it had answered *at_requests* of all."""
    answered, driving = 0, 0
    for bucket in history.buckets:
        served = driving_requests(GrowthInterval(0.0, bucket.served, bucket.failed), shares)
        if bucket.requests >= at_requests:
            part = (at_requests - answered) / max(1, bucket.requests - answered)
            return driving + round(part * served)
        answered, driving = bucket.requests, driving + served
    return round(driving * at_requests / max(1, answered))


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverCandidates:
    """What is known of all that grows, in memory and by counts."""

    memory: MemoryGrowth
    steady_growths: tuple[HolderGrowth, ...]

    @classmethod
    def from_growths(
        cls, memory: MemoryGrowth, growths: Iterable[HolderGrowth]
    ) -> DriverCandidates:
        """Return what *memory* and the steady ones of *growths* say."""
        steady = tuple(one for one in growths if one.pattern is GrowthPattern.STEADY)
        return cls(memory=memory, steady_growths=steady)

    def of_heap_holder(
        self, history: WorkerHistory, at_requests: Sequence[int], levels: Sequence[int]
    ) -> list[GrowthDriver]:
        """Return what may drive a holder that held *levels* at each of *at_requests* requests, likely first.

        What memory grows with need not be what one holder grows with; and what is left behind is
        counted in bursts, so that the requests which drive that may be the wrong ones.
        """
        left_behind = [one for one in self.steady_growths if _is_symptom(one)]
        candidates = [
            find_one_to_one_endpoint(history, at_requests, levels),
            self.memory.shares,
            *(one.shares for one in left_behind),
            (),
        ]
        candidates.sort(key=lambda shares: not has_driver(shares))
        found = [self._driver_of(history, at_requests, levels, shares) for shares in candidates]
        return sorted(found, key=lambda driver: driver.symptom is None)

    def _driver_of(
        self,
        history: WorkerHistory,
        at_requests: Sequence[int],
        levels: Sequence[int],
        shares: tuple[EndpointShare, ...],
    ) -> GrowthDriver:
        """Return what drives a holder where *shares* do."""
        rate = total_gain(levels) / max(
            1, total_gain([_driving_requests_at(history, shares, one) for one in at_requests])
        )
        similar = [
            one
            for one in self.steady_growths
            if have_similar_rates(rate, one.per_request_driven_by(shares))
        ]
        duplicate = next((one for one in similar if not _is_symptom(one)), None)
        symptom = next((one for one in similar if _is_symptom(one)), None)
        endpoint = driving_endpoint(shares)
        if symptom is None:
            workers = self.memory.worker_ids
        else:
            endpoint, workers = endpoint or symptom.holder.endpoint or None, symptom.steady_workers
        return GrowthDriver(
            shares=shares, endpoint=endpoint, symptom=symptom, duplicate=duplicate, workers=workers
        )


def _is_symptom(growth: HolderGrowth) -> bool:
    return is_symptom_kind(growth.holder.kind) or growth.holder.name in GAUGE_NAMES


def total_gain(numbers: Sequence[int]) -> int:
    """Return what was gained from the first snapshot to the last."""
    return numbers[-1] - numbers[0]
