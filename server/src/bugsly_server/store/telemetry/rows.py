"""The one table that every tier has, and how its rows become coarser ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from bugsly_server.clock import Micros
from bugsly_server.model.series import Point, Served
from bugsly_server.store.ports import Reading

SCHEMA = """
CREATE TABLE IF NOT EXISTS sample (
    worker_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    low INTEGER NOT NULL,
    last INTEGER NOT NULL,
    high INTEGER NOT NULL,
    shared INTEGER NOT NULL,
    descriptors INTEGER NOT NULL,
    threads INTEGER NOT NULL,
    in_flight INTEGER NOT NULL,
    traffic BLOB,
    PRIMARY KEY (worker_id, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stale (
    worker_id INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    PRIMARY KEY (worker_id, bucket)
) WITHOUT ROWID;
"""
"""`stale` lists the buckets of the next coarser tier that have to be made anew from this file."""

COLUMNS = (
    "worker_id, at, requests, low, last, high, shared, descriptors, threads, in_flight, traffic"
)
INSERT = f"INSERT OR IGNORE INTO sample ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
REPLACE = INSERT.replace("IGNORE", "REPLACE")
SELECT = f"SELECT {COLUMNS} FROM sample WHERE worker_id = ? AND at >= ? AND at < ? ORDER BY at"  # noqa: S608
MARK = "INSERT OR IGNORE INTO stale (worker_id, bucket) VALUES (?, ?)"
UNMARK = "DELETE FROM stale WHERE worker_id = ? AND bucket = ?"


class Row(NamedTuple):
    """One row, in the order of `COLUMNS`."""

    worker_id: int
    at: Micros
    requests: int
    low: int
    last: int
    high: int
    shared: int
    descriptors: int
    threads: int
    in_flight: int
    traffic: bytes | None

    @property
    def point(self) -> Point:
        """Return what charts and detection read."""
        return Point(self.at, self.requests, self.low, self.last, self.high)

    @property
    def reading(self) -> Reading:
        """Return what a worker's page reads."""
        return Reading(self.point, self.shared, self.descriptors, self.threads, self.in_flight)


def encode_traffic(traffic: Mapping[int, Served]) -> bytes | None:
    """Return *traffic* in a few bytes an endpoint, None for none."""
    if not traffic:
        return None
    return msgspec.msgpack.encode([(key, *served[1:]) for key, served in traffic.items()])


def add_traffic(total: dict[int, Served], encoded: bytes | None) -> None:
    """Add what *encoded* holds to *total*."""
    if encoded is None:
        return
    for key, *counts in msgspec.msgpack.decode(encoded):
        served = Served._make(("", *counts))
        total[key] = merge(total[key], served) if key in total else served


def merge(one: Served, other: Served) -> Served:
    """Return both together."""
    sums = [a + b for a, b in zip(one[1:-1], other[1:-1], strict=True)]
    return Served._make((one.endpoint, *sums, max(one.biggest, other.biggest)))


def fold(rows: Sequence[Row], at: Micros) -> Row:
    """Return one row for *rows*, which belong to one worker and are in order of time."""
    traffic: dict[int, Served] = {}
    for row in rows:
        add_traffic(traffic, row.traffic)
    newest = rows[-1]
    return Row(
        worker_id=newest.worker_id,
        at=at,
        requests=newest.requests,
        low=min(row.low for row in rows),
        last=newest.last,
        high=max(row.high for row in rows),
        shared=newest.shared,
        descriptors=max(row.descriptors for row in rows),
        threads=max(row.threads for row in rows),
        in_flight=max(row.in_flight for row in rows),
        traffic=encode_traffic(traffic),
    )


def thin(rows: Sequence[Row], most: int) -> list[Row]:
    """Return at most *most* rows by folding neighbours; traffic is left out."""
    if len(rows) <= most:
        return list(rows)
    bare = [row._replace(traffic=None) for row in rows]
    step = len(rows) / most
    cuts = [round(index * step) for index in range(most + 1)]
    groups = (bare[start:end] for start, end in pairwise(cuts))
    return [fold(group, group[-1].at) for group in groups if group]


def read(rows: Iterable[tuple[object, ...]]) -> list[Row]:
    """Return database rows as `Row`s."""
    return [Row._make(row) for row in rows]
