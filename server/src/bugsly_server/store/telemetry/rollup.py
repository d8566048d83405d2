"""Recomputes the buckets of a coarser tier where the finer tier has changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from bugsly_server.clock import Micros
from bugsly_server.store.telemetry import sample_rows, traffic_rows
from bugsly_server.store.telemetry.database_files import DatabaseFiles, checked
from bugsly_server.store.telemetry.tiers import Tier, bucket_start

SCHEMA = """
CREATE TABLE IF NOT EXISTS stale (
    worker_id INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    PRIMARY KEY (worker_id, bucket)
) WITHOUT ROWID;
"""
"""Lists the buckets of the next coarser tier that have to be recomputed from this file."""
MARK = "INSERT OR IGNORE INTO stale (worker_id, bucket) VALUES (?, ?)"
UNMARK = "DELETE FROM stale"
STALE_ROWS = f"""
SELECT {", ".join(f"sample.{name}" for name in sample_rows.SampleRow._fields)}
FROM stale JOIN sample ON sample.worker_id = stale.worker_id
    AND sample.at >= stale.bucket AND sample.at < stale.bucket + :width
ORDER BY sample.worker_id, sample.at
"""  # noqa: S608 - names of columns
STALE_TRAFFIC = """
SELECT traffic.worker_id, traffic.at, traffic.served
FROM (SELECT DISTINCT worker_id, bucket - bucket % :width AS bucket FROM stale) AS wide
JOIN traffic ON traffic.worker_id = wide.worker_id
    AND traffic.at >= wide.bucket AND traffic.at < wide.bucket + :width
"""


def mark_stale(
    connection: sqlite3.Connection, written: Iterable[sample_rows.SampleRow], width: Micros
) -> None:
    """Note that the buckets of *width* that *written* lie in have to be recomputed."""
    marks = {(row.worker_id, bucket_start(row.at, width)) for row in written}
    connection.executemany(MARK, sorted(marks))


def roll_up(
    files: DatabaseFiles, source: Path, target: Path, tier: Tier, mark_width: Micros
) -> int:
    """Bring *target*, a file of *tier*, up to date with *source*; return how many buckets changed.

    Every bucket is made of the rows of one file, because days and months are whole hours. A
    *mark_width* of 0 says that no coarser tier follows.
    """
    folded = _rows(files, source, tier.width)
    served = _traffic(files, source, tier.traffic_width)
    if not folded:
        return 0
    with files.writing(target) as connection:
        connection.executemany(sample_rows.REPLACE, folded)
        connection.executemany(traffic_rows.REPLACE, served)
        if mark_width:
            mark_stale(connection, folded, mark_width)
    with files.writing(source) as connection:
        connection.execute(UNMARK)
    return len(folded)


def _rows(files: DatabaseFiles, source: Path, width: Micros) -> list[sample_rows.SampleRow]:
    rows = files.select(source, STALE_ROWS, [{"width": width}], checked)
    stale_rows = map(sample_rows.SampleRow._make, rows)
    groups = groupby(stale_rows, key=lambda row: (row.worker_id, bucket_start(row.at, width)))
    return [sample_rows.fold(list(members), at) for (_, at), members in groups]


def _traffic(files: DatabaseFiles, source: Path, width: Micros) -> list[tuple[int, int, bytes]]:
    totals: dict[traffic_rows.TrafficKey, traffic_rows.TrafficCounts] = {}
    rows = files.select(source, STALE_TRAFFIC, [{"width": width}], checked)
    for worker_id, at, served in rows:
        total = totals.setdefault((worker_id, bucket_start(at, width)), {})
        traffic_rows.add_counts(total, traffic_rows.decode(served).items())
    return [(key, at, traffic_rows.encode(total)) for (key, at), total in totals.items()]
