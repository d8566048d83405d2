"""The ports of the store; each backend passes the same conformance tests.

- `Spool`: what was acknowledged and not yet digested.
- `Telemetry`: samples and traffic by worker and time.
- `EventStore`: the events of errors, by grouping and time.
- All the rest is in meta: SQLAlchemy Core, whose dialect is the port (store/meta).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from bugsly_server.clock import DAY, Micros
from bugsly_server.model.time_series import EndpointTraffic, MemoryPoint

TIME_BUCKET_RETENTION: Micros = 2 * DAY
"""For the time buckets of a worker that is not seen any more, and what only they refer to."""


class SpoolEntry(NamedTuple):
    """One item as it was accepted. *id* is 0 until the spool has given one.

    *secret_hash* is the SHA-256 of the secret by which its sender proves which worker it is.
    """

    project_id: int
    received_at: Micros
    kind: str
    payload: bytes
    id: int = 0
    secret_hash: str | None = None


class Spool(Protocol):
    """A durable queue with one reader."""

    def append(self, entries: Sequence[SpoolEntry]) -> asyncio.Future[None]:
        """Return a future of the running loop, done when *entries* would survive a power cut.

        It fails with `Unavailable` where the disk takes no more.
        """

    def lease(self, max_entries: int) -> Sequence[SpoolEntry]:
        """Return up to *max_entries* of the oldest entries that are not leased."""

    def acknowledge(self, entries: Sequence[SpoolEntry]) -> None:
        """Forget *entries*, which are digested: the oldest of those that are leased."""

    def release_leases(self) -> None:
        """Let everything leased and not acknowledged be leased again."""

    def wait(self, timeout: float) -> None:
        """Return when there may be something to lease, at the latest after *timeout* seconds."""

    def depth(self) -> int:
        """Return how many entries wait."""

    def oldest(self) -> Micros | None:
        """Return when the entry arrived that has waited longest; None where none waits."""

    def close(self) -> None:
        """Write what was appended, and close the files."""


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
    """By id of the endpoint; its name inside is not stored again."""
    number: int
    """Counts up over the worker's lifetime: a time bucket knows by it what it holds already."""
    in_use: int = 0
    held: int = 0
    blocks: int | None = None
    levels: Mapping[int, int] = MappingProxyType({})
    """Entries of holders, by id of the holder."""


class StoredTimeBucket(NamedTuple):
    """A `model.leak_evidence.TimeBucket` as it is stored: endpoints and holders by their ids."""

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
    """A `MemoryPoint` with the other gauges that a worker's page shows."""

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
        """Return the memory of each worker at the end of up to *max_points* equal intervals."""

    def gauge_points(
        self, worker_id: int, since: Micros, until: Micros, max_points: int
    ) -> list[GaugePoint]:
        """Return the same for one worker with its other gauges."""

    def traffic(
        self, worker_ids: Sequence[int], since: Micros, until: Micros
    ) -> Mapping[int, EndpointTraffic]:
        """Return what *worker_ids* served together, by id of the endpoint."""

    def time_buckets(self, worker_ids: Sequence[int]) -> Mapping[int, list[StoredTimeBucket]]:
        """Return the lifetime of each worker, in up to 256 buckets of as many samples each.

        The last bucket may still be filling. Requests and failures are of the whole bucket,
        everything else is of its last sample.
        """

    def roll_up(self, now: Micros) -> int:
        """Bring the coarser tiers up to date; return how many buckets were written."""

    def delete_expired(self, now: Micros) -> int:
        """Drop what is older than each tier keeps; return how many files were removed.

        The time buckets of a worker go when it has not been seen for two days.
        """

    def size(self) -> int:
        """Return how many bytes it uses on disk."""

    def close(self) -> None:
        """Close the files."""


class StoredEvent(NamedTuple):
    """One event as it is stored: its payload, without secrets."""

    grouping_id: int
    at: Micros
    """When it happened."""
    id: bytes
    """Sixteen bytes."""
    body: bytes


class EventStore(Protocol):
    """Events of errors, for as long as they are kept; of a flood only a sample is."""

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
        """Drop what is older than events are kept; return how many files were removed."""

    def close(self) -> None:
        """Close the files."""
