"""Lists the requests that may drive what grows in a walked heap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bugsly_server.diagnose.growth.endpoint_attribution import GrowthInterval, driving_requests
from bugsly_server.diagnose.growth.growth_pattern import GrowthPattern
from bugsly_server.diagnose.growth.holder_growth import HolderGrowth
from bugsly_server.diagnose.growth.memory_growth import MemoryGrowth
from bugsly_server.model.diagnosis import EndpointShare
from bugsly_server.model.leak_evidence import WorkerHistory

Shares = tuple[EndpointShare, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateDriver:
    """Requests that may drive a growth."""

    shares: Shares
    at_snapshots: tuple[int, ...]
    """How many of them were answered at each snapshot of the heap."""
    steady_rates: tuple[tuple[HolderGrowth, float], ...]
    """The counted holders that grow steadily, each with its entries per request of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateDrivers:
    """All requests that may drive a growth in one heap."""

    by_shares: dict[Shares, CandidateDriver]
    """What drives the memory, or a counted holder; all requests, with no shares, among them."""
    by_endpoint: tuple[CandidateDriver, ...]
    """The requests of each endpoint alone."""


def list_candidate_drivers(
    history: WorkerHistory,
    at_requests: Sequence[int],
    memory: MemoryGrowth,
    growths: Iterable[HolderGrowth],
) -> CandidateDrivers:
    """Return what may drive a growth in the heap of *history*.

    *at_requests* are the requests that were answered at each snapshot of that heap.
    """
    steady = [one for one in growths if one.pattern is GrowthPattern.STEADY]
    endpoints = dict.fromkeys(name for bucket in history.buckets for name in bucket.served)
    seen = (
        (),
        memory.attribution.shares,
        memory.gaining_attribution.shares,
        *(one.attribution.shares for one in steady),
    )

    def candidate(shares: Shares) -> CandidateDriver:
        return CandidateDriver(
            shares=shares,
            at_snapshots=tuple(_answered(history, shares, requests) for requests in at_requests),
            steady_rates=tuple(
                (one, one.total.gained / max(1, driving_requests(one.total, shares)))
                for one in steady
            ),
        )

    return CandidateDrivers(
        by_shares={shares: candidate(shares) for shares in dict.fromkeys(seen)},
        by_endpoint=tuple(
            candidate((EndpointShare(endpoint=name, slope=1.0, low=1.0, high=1.0, part=1.0),))
            for name in endpoints
        ),
    )


def _answered(history: WorkerHistory, shares: Shares, at_requests: int) -> int:
    """Return the driving requests among the first *at_requests* that *history* answered."""
    answered, driving = 0, 0
    for bucket in history.buckets:
        served = driving_requests(GrowthInterval(0.0, bucket.served, bucket.failed), shares)
        if bucket.requests >= at_requests:
            part = (at_requests - answered) / max(1, bucket.requests - answered)
            return driving + round(part * served)
        answered, driving = bucket.requests, driving + served
    return round(driving * at_requests / max(1, answered))
