"""Measures how the memory of workers grew, and which endpoints drive it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bugsly.protocol.evidence import AllocationWindow
from bugsly_server.diagnose.growth.endpoint_attribution import attribute_intervals
from bugsly_server.diagnose.growth.live_bytes import (
    MemoryGain,
    growth_intervals,
    mean_block_bytes,
    memory_gain,
)
from bugsly_server.model.diagnosis import EndpointAttribution
from bugsly_server.model.leak_evidence import LeakEvidence, WorkerHistory

MIN_FAST_BYTES_PER_REQUEST = 1_000.0
"""The gain of a worker per request from which its growth is more than a trifle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryGrowth:
    """How memory grew in the workers of one application. Sizes are bytes."""

    growing: tuple[WorkerHistory, ...]
    """The workers whose memory surely grows."""
    gaining: tuple[tuple[WorkerHistory, MemoryGain], ...]
    """Those of them that hold more than after their warm-up, each with its gain."""
    gains: Mapping[int, MemoryGain]
    """By worker id, for all workers that were watched for long enough."""
    attribution: EndpointAttribution
    """The endpoints that drive the growth of the growing workers."""
    gaining_attribution: EndpointAttribution
    """The same for the gaining workers alone."""
    allocation_window: AllocationWindow | None
    """The latest of the first worker with one: all of them run the same code."""

    @property
    def worker_ids(self) -> tuple[int, ...]:
        """Return the ids of the growing workers."""
        return tuple(one.worker_id for one in self.growing)

    @property
    def bytes_per_request(self) -> float:
        """Return what the gaining workers gained with each request; 0 where there are none."""
        requests = sum(gain.requests for _, gain in self.gaining)
        return sum(gain.private_bytes for _, gain in self.gaining) / requests if requests else 0.0

    @property
    def is_measured(self) -> bool:
        """Return whether any growing worker was watched for long enough."""
        return any(one in self.gains for one in self.worker_ids)

    @property
    def is_fast(self) -> bool:
        """Return whether any worker gains more than a trifle with each request."""
        gains = (self.gains[one] for one in self.worker_ids if one in self.gains)
        return any(
            gain.private_bytes >= MIN_FAST_BYTES_PER_REQUEST * gain.requests for gain in gains
        )

    def part_of(self, bytes_by_worker: Mapping[int, int]) -> float:
        """Return which part of the growth *bytes_by_worker* are, 0 to 1; 1 where none is sure."""
        gained = {
            one: max(1, self.gains[one].private_bytes)
            for one in self.worker_ids
            if one in self.gains
        }
        total = sum(gained.values())
        held = sum(amount for worker, amount in bytes_by_worker.items() if worker in gained)
        return min(1.0, held / total) if total else 1.0


def measure_memory_growth(evidence: LeakEvidence, growing_ids: Collection[int]) -> MemoryGrowth:
    """Return how the memory of the workers in *evidence* grew.

    The memory of the workers *growing_ids* surely grows.
    """
    window = next(
        (one.allocation_windows[-1] for one in evidence.histories if one.allocation_windows), None
    )
    block_bytes = mean_block_bytes(window)
    gains = {one.worker_id: memory_gain(one, block_bytes) for one in evidence.histories}
    measured = {worker_id: gain for worker_id, gain in gains.items() if gain is not None}
    growing = tuple(one for one in evidence.histories if one.worker_id in growing_ids)
    gaining = tuple(
        (one, gain)
        for one in growing
        if (gain := measured.get(one.worker_id)) and gain.private_bytes > 0
    )
    is_all_gaining = len(gaining) == len(growing)
    groups = [growing] if is_all_gaining else [growing, tuple(history for history, _ in gaining)]
    attributions = [attribute_intervals(growth_intervals(one)).attribution for one in groups]
    return MemoryGrowth(
        growing=growing,
        gaining=gaining,
        gains=measured,
        attribution=attributions[0],
        gaining_attribution=attributions[-1],
        allocation_window=window,
    )
