"""A dossier: all that is known of why the workers of one application grow.

It is what diagnosis reads. Workers belong to one dossier where they run the same code: one project
and one environment. Sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bugsly.protocol.evidence import AllocationWindow, HeapGrowth, Holder, ModuleSource, TrimResult
from bugsly_server.clock import Micros


class TimeBucket(NamedTuple):
    """One worker at the end of a stretch of its life, and what it served in that stretch."""

    at: Micros
    requests: int
    """Answered since the worker started."""
    anonymous: int
    in_use: int
    allocator_bytes: int
    """Of the C allocator; 0 where it does not say."""
    blocks: int | None
    """Of Python's allocator, None where it was not read."""
    descriptors: int
    threads: int
    served: Mapping[str, int]
    """Requests by endpoint."""
    failed: Mapping[str, int]
    """Those of them that were answered with 4xx or 5xx."""
    holder_counts: Mapping[str, int]
    """What the growing holders hold at its end, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerHistory:
    """One worker from its boot on, in steps of time; together they cover all of it."""

    worker_id: int
    pid: int
    release: str
    python: str
    server: str
    buckets: tuple[TimeBucket, ...]
    facts: Mapping[str, int] = field(default_factory=dict)
    """Switches of the process, as `gc_enabled`."""
    allocation_windows: tuple[AllocationWindow, ...] = ()
    trims: tuple[TrimResult, ...] = ()
    heaps: tuple[HeapGrowth, ...] = ()
    """Those with more than one snapshot."""
    fruitless_probes: frozenset[str] = frozenset()
    """Probes that were requested and found nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointResponses:
    """How an endpoint answers. Sizes are of one response."""

    responses: int
    streamed: int
    """Responses in several pieces."""
    max_bytes: int
    max_whole_bytes: int
    """Biggest body that was handed over in one piece, 0 where none was large enough to report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakEvidence:
    """Lives that run the same code, and what was seen in any of them."""

    histories: tuple[WorkerHistory, ...]
    holders: Mapping[str, Holder]
    """The latest description of each, by name."""
    sources: Mapping[str, ModuleSource] = field(default_factory=dict)
    """By file, as the workers name it."""
    responses: Mapping[str, EndpointResponses] = field(default_factory=dict)
    """By endpoint."""

    @property
    def is_gc_disabled(self) -> bool:
        """Return whether workers run without Python's cyclic collector.

        Objects frozen before the fork, as is usual with preload_app, cannot grow in number.
        """
        return any(
            history.facts.get(switch, 1) == 0
            for history in self.histories
            for switch in ("gc_enabled", "gc_threshold")
        )
