"""The ports of the store; each backend passes the same conformance tests.

- `Spool`: what was acknowledged and not yet digested.
- `Telemetry`: samples and traffic by worker and time.
- `EventStore`: what clients told of errors, by grouping and time.
- meta, for all the rest, is SQLAlchemy Core: its dialect is the port (store/meta).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from bugsly_server.clock import DAY, Micros
from bugsly_server.model.time_series import EndpointTraffic, MemoryPoint

TIME_BUCKET_RETENTION: Micros = 2 * DAY
"""For the steps of a worker that is heard of no more, and for what only they refer to."""


class SpoolEntry(NamedTuple):
    """One item as it was accepted. *id* is 0 until the spool has given one."""

    project_id: int
    received_at: Micros
    kind: str
    payload: bytes
    id: int = 0


class Spool(Protocol):
    """A durable queue with one reader."""

    def append(self, entries: Sequence[SpoolEntry]) -> asyncio.Future[None]:
        """Return a future of the running loop, done when *entries* would survive a power cut.

        It fails with `Unavailable` where the disk takes no more.
        """

    def lease(self, max_entries: int) -> Sequence[SpoolEntry]:
        """Return up to *max_entries* of the oldest entries not leased since the spool was opened."""

    def acknowledge(self, entries: Sequence[SpoolEntry]) -> None:
        """Forget *entries*, which are digested: the oldest of those that are leased."""

    def release_leases(self) -> None:
        """Let everything leased and not acknowledged be leased again."""

    def wait(self, timeout: float) -> None:
        """Return when there may be something to lease, at the latest after *timeout* seconds."""

    def depth(self) -> int:
        """Return how many entries wait."""

    def close(self) -> None:
        """Write what was appended, and let go of the files."""


class StoredSample(NamedTuple):
    """One sample as telemetry keeps it; sizes are bytes."""

    worker_id: int
    at: Micros
    requests: int
    anonymous: int
    shared: int
    descriptors: int
    threads: int
    in_flight: int
    traffic: Mapping[int, EndpointTraffic]
    """By id of the endpoint; the endpoint's name inside is not stored again."""
    number: int
    """In the worker's life: a step knows by it what it holds already."""
    in_use: int = 0
    held: int = 0
    blocks: int | None = None
    levels: Mapping[int, int] = MappingProxyType({})
    """What holders hold, by id of the holder."""


class StoredTimeBucket(NamedTuple):
    """`model.dossier.Step` as telemetry keeps it: endpoints and holders by their ids."""

    at: Micros
    requests: int
    anonymous: int
    in_use: int
    held: int
    blocks: int | None
    descriptors: int
    threads: int
    served: Mapping[int, int]
    failed: Mapping[int, int]
    levels: Mapping[int, int]


class GaugePoint(NamedTuple):
    """A `Point` with what else a worker's page shows of that stretch."""

    point: MemoryPoint
    shared: int
    descriptors: int
    threads: int
    in_flight: int


class Telemetry(Protocol):
    """Samples by worker and time, finer when young and coarser when old."""

    def write(self, samples: Sequence[StoredSample]) -> None:
        """Keep *samples*, durably; one that is already there is left as it is."""

    def points(
        self, worker_ids: Sequence[int], since: Micros, until: Micros, max_points: int
    ) -> Mapping[int, list[MemoryPoint]]:
        """Return for each worker up to *max_points* points in order of time."""

    def sparklines(
        self, worker_ids: Sequence[int], since: Micros, until: Micros, max_points: int
    ) -> Mapping[int, list[int]]:
        """Return for each worker its memory at the end of up to *max_points* equal parts of the span."""

    def gauge_points(
        self, worker_id: int, since: Micros, until: Micros, max_points: int
    ) -> list[GaugePoint]:
        """Return the same for one worker with its other gauges."""

    def traffic(
        self, worker_ids: Sequence[int], since: Micros, until: Micros
    ) -> Mapping[int, EndpointTraffic]:
        """Return what *worker_ids* served together, by id of the endpoint."""

    def time_buckets(self, worker_ids: Sequence[int]) -> Mapping[int, list[StoredTimeBucket]]:
        """Return the whole life of each worker, in up to 256 steps of as many samples each.

        The last step is the one that is going on. Requests and failures are those of the step,
        everything else is what its last sample told.
        """

    def roll_up(self, now: Micros) -> int:
        """Bring the coarser tiers up to date; return how many buckets were written."""

    def delete_expired(self, now: Micros) -> int:
        """Drop what is older than each tier keeps; return how many files went.

        The steps of a worker go when it has not been heard of for two days.
        """

    def size(self) -> int:
        """Return how many bytes it takes on disk."""

    def close(self) -> None:
        """Let go of the files."""


class StoredEvent(NamedTuple):
    """One event as it is kept: its payload without secrets, packed or not as the port likes."""

    grouping_id: int
    at: Micros
    """When it happened."""
    id: bytes
    """Sixteen of them."""
    body: bytes


class EventStore(Protocol):
    """Events of errors, for as long as they are kept; not every one of a flood is."""

    def write(self, events: Sequence[StoredEvent]) -> None:
        """Keep *events*, durably; one that is already there is left as it is."""

    def get(self, grouping_ids: Sequence[int], event_id: bytes) -> StoredEvent | None:
        """Return one event of the groupings."""

    def newest(self, grouping_ids: Sequence[int], limit: int) -> list[StoredEvent]:
        """Return up to *limit* events of the groupings, newest first."""

    def before(self, grouping_ids: Sequence[int], event: StoredEvent) -> StoredEvent | None:
        """Return the event of the groupings that happened last before *event*."""

    def after(self, grouping_ids: Sequence[int], event: StoredEvent) -> StoredEvent | None:
        """Return the event of the groupings that happened first after *event*."""

    def delete_expired(self, now: Micros) -> int:
        """Drop what is older than events are kept; return how many files went."""

    def close(self) -> None:
        """Let go of the files."""
