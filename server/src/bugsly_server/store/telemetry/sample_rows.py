"""Memory as rows: the table that every tier has, and how its rows become coarser ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from bugsly_server.clock import Micros
from bugsly_server.model.time_series import MemoryPoint
from bugsly_server.store.ports import GaugePoint, StoredSample

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
    PRIMARY KEY (worker_id, at)
) WITHOUT ROWID;
"""
COLUMNS = "worker_id, at, requests, low, last, high, shared, descriptors, threads, in_flight"
INSERT = f"INSERT OR IGNORE INTO sample ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
REPLACE = INSERT.replace("IGNORE", "REPLACE")
SELECT = f"SELECT {COLUMNS} FROM sample WHERE worker_id = ? AND at >= ? AND at < ? ORDER BY at"  # noqa: S608

SELECT_SPARKLINE = """
SELECT worker_id, (at - ?) / ?, last FROM sample
WHERE worker_id = ? AND at >= ? AND at < ? ORDER BY at
"""
"""Gives each row the number of its part; the second parameter is the width of a part."""


class SampleRow(NamedTuple):
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

    @property
    def point(self) -> MemoryPoint:
        """Return the row as charts and detection read it."""
        return MemoryPoint(self.at, self.requests, self.low, self.last, self.high)

    @property
    def gauge_point(self) -> GaugePoint:
        """Return the row as a worker's page reads it."""
        return GaugePoint(self.point, self.shared, self.descriptors, self.threads, self.in_flight)


def sample_row(sample: StoredSample) -> SampleRow:
    """Return *sample* as the finest tier holds it."""
    size = sample.anonymous
    return SampleRow(
        sample.worker_id,
        sample.at,
        sample.requests,
        size,
        size,
        size,
        sample.shared,
        sample.descriptors,
        sample.threads,
        sample.in_flight,
    )


def fold(rows: Sequence[SampleRow], at: Micros) -> SampleRow:
    """Return one row for *rows* of one worker, which are in order of time."""
    newest = rows[-1]
    return SampleRow(
        worker_id=newest.worker_id,
        at=at,
        requests=newest.requests,
        low=min([row.low for row in rows]),
        last=newest.last,
        high=max([row.high for row in rows]),
        shared=newest.shared,
        descriptors=max([row.descriptors for row in rows]),
        threads=max([row.threads for row in rows]),
        in_flight=max([row.in_flight for row in rows]),
    )


def downsample(rows: Sequence[SampleRow], max_rows: int) -> list[SampleRow]:
    """Return at most *max_rows* rows by merging neighbours."""
    if len(rows) <= max_rows:
        return list(rows)
    rows_per_group = len(rows) / max_rows
    cuts = [round(index * rows_per_group) for index in range(max_rows + 1)]
    groups = (rows[start:end] for start, end in pairwise(cuts))
    return [fold(group, group[-1].at) for group in groups if group]
