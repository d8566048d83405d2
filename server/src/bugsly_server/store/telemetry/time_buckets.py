"""Stores the lifetime of each worker in a bounded number of time buckets."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bugsly_server.clock import Micros
from bugsly_server.store.ports import TIME_BUCKET_RETENTION, StoredSample, StoredTimeBucket
from bugsly_server.store.telemetry.database_files import DatabaseFiles, checked

MAX_BUCKETS = 256
"""Of one worker. With one more, each two are merged into one."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS step (
    worker_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    number INTEGER NOT NULL,
    halvings INTEGER NOT NULL,
    at INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    anonymous INTEGER NOT NULL,
    in_use INTEGER NOT NULL,
    held INTEGER NOT NULL,
    blocks INTEGER,
    descriptors INTEGER NOT NULL,
    threads INTEGER NOT NULL,
    counts BLOB NOT NULL,
    PRIMARY KEY (worker_id, position)
) WITHOUT ROWID;
"""
COLUMNS = (
    "worker_id, position, number, halvings, at, requests, anonymous, in_use, held, blocks,"
    " descriptors, threads, counts"
)
REPLACE = f"INSERT OR REPLACE INTO step ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
SELECT = f"SELECT {COLUMNS} FROM step WHERE worker_id = ? ORDER BY position"  # noqa: S608
NEWEST = f"{SELECT} DESC LIMIT 1"
DELETE = "DELETE FROM step WHERE worker_id = ?"
SELECT_WORKERS = """
WITH RECURSIVE known (worker_id) AS (
    SELECT min(worker_id) FROM step
    UNION ALL
    SELECT (SELECT min(worker_id) FROM step WHERE step.worker_id > known.worker_id)
    FROM known WHERE known.worker_id IS NOT NULL
)
SELECT worker_id, (
    SELECT at FROM step WHERE step.worker_id = known.worker_id ORDER BY position DESC LIMIT 1
)
FROM known WHERE worker_id IS NOT NULL
"""
"""Every worker with its newest moment, found by skipping through the key."""

BucketCounts = tuple[dict[int, int], dict[int, int], dict[int, int]]
"""Requests and failures by endpoint, levels by holder."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(BucketCounts).decode


class TimeBucketRow(NamedTuple):
    """One row, in the order of `COLUMNS`."""

    worker_id: int
    position: int
    number: int
    """Of its last sample."""
    halvings: int
    """How often the resolution was halved: a bucket has two to this power samples."""
    at: Micros
    requests: int
    anonymous: int
    in_use: int
    held: int
    blocks: int | None
    descriptors: int
    threads: int
    counts: bytes

    @classmethod
    def read(cls, row: tuple[Any, ...]) -> TimeBucketRow:
        """Return *row* of the table; raise `DamagedContent` where nobody can have written it."""
        made = cls._make(row)
        checked(row if made.blocks is not None else made._replace(blocks=0))
        return made

    @property
    def decoded_counts(self) -> BucketCounts:
        """Return requests, failures and levels; none where they are damaged."""
        try:
            counts: BucketCounts = _decode(self.counts)
        except msgspec.MsgspecError:
            return {}, {}, {}
        return counts

    def is_same_bucket(self, number: int) -> bool:
        """Return whether the sample with that *number* belongs to the same bucket."""
        return self.number >> self.halvings == number >> self.halvings


class TimeBucketStore:
    """The time buckets of all workers, in one file. One thread writes; any thread reads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = DatabaseFiles(SCHEMA)

    def write(self, samples: Iterable[StoredSample]) -> None:
        """Add *samples* to their workers; one that was added before is left out."""
        ordered = sorted(samples, key=lambda sample: (sample.worker_id, sample.number))
        if ordered:
            with self._files.writing(self._path) as connection:
                for worker_id, members in groupby(ordered, key=lambda sample: sample.worker_id):
                    _extend(connection, worker_id, members)

    def read(self, worker_ids: Sequence[int]) -> Mapping[int, list[StoredTimeBucket]]:
        """Return the time buckets of each worker in order."""
        found: dict[int, list[StoredTimeBucket]] = {worker_id: [] for worker_id in worker_ids}
        parameter_sets = [(worker_id,) for worker_id in worker_ids]
        for row in self._files.select(self._path, SELECT, parameter_sets, TimeBucketRow.read):
            bucket = StoredTimeBucket(*row[4:12], *row.decoded_counts)
            found[row.worker_id].append(bucket)
        return found

    def delete_stale(self, now: Micros) -> None:
        """Delete the workers last seen long ago; the file too if none is left."""
        known = list(self._files.select(self._path, SELECT_WORKERS, [()], checked))
        old = [worker_id for worker_id, at in known if at < now - TIME_BUCKET_RETENTION]
        if len(old) == len(known):
            self._files.drop(self._path)
        elif old:
            with self._files.writing(self._path) as connection:
                connection.executemany(DELETE, [(worker_id,) for worker_id in old])

    def close(self) -> None:
        """Close the file."""
        self._files.close()


def _extend(
    connection: sqlite3.Connection, worker_id: int, samples: Iterable[StoredSample]
) -> None:
    """Add *samples*, in order of their numbers, to the time buckets of a worker."""
    newest = connection.execute(NEWEST, (worker_id,)).fetchone()
    tail = [] if newest is None else [TimeBucketRow.read(newest)]
    new_samples = [one for one in samples if newest is None or one.number > tail[0].number]
    if not new_samples:
        return
    for sample in new_samples:
        _append(tail, sample)
    if tail[-1].position < MAX_BUCKETS:
        connection.executemany(REPLACE, tail)
        return
    earlier_rows = map(TimeBucketRow.read, connection.execute(SELECT, (worker_id,)))
    all_rows = halve([*[row for row in earlier_rows if row.position < tail[0].position], *tail])
    connection.execute(DELETE, (worker_id,))
    connection.executemany(REPLACE, all_rows)


def _append(tail: list[TimeBucketRow], sample: StoredSample) -> None:
    if not tail:
        tail.append(_row(sample, 0, 0))
        return
    newest = tail[-1]
    if sample.number <= newest.number:
        return
    if newest.is_same_bucket(sample.number):
        tail[-1] = merge([newest, _row(sample, newest.position, newest.halvings)])
    else:
        tail.append(_row(sample, newest.position + 1, newest.halvings))


def halve(rows: Sequence[TimeBucketRow]) -> list[TimeBucketRow]:
    """Return at most `MAX_BUCKETS` buckets for *rows*, the whole lifetime of a worker."""
    halvings = rows[-1].halvings
    while len(rows) > MAX_BUCKETS:
        halvings += 1
        groups = groupby(rows, key=lambda row: row.number >> halvings)
        rows = [merge(list(members)) for _, members in groups]
    return [row._replace(position=n, halvings=halvings) for n, row in enumerate(rows)]


def merge(rows: Sequence[TimeBucketRow]) -> TimeBucketRow:
    """Return one bucket for *rows*, which follow each other."""
    newest = rows[-1]
    if len(rows) == 1:
        return newest
    served: dict[int, int] = {}
    failed: dict[int, int] = {}
    levels: dict[int, int] = {}
    for row in rows:
        more_served, more_failed, levels = row.decoded_counts
        _add(served, more_served)
        _add(failed, more_failed)
    blocks = [row.blocks for row in rows if row.blocks is not None]
    return newest._replace(
        blocks=blocks[-1] if blocks else None, counts=_encode((served, failed, levels))
    )


def _add(total: dict[int, int], more: Mapping[int, int]) -> None:
    for key, amount in more.items():
        total[key] = total.get(key, 0) + amount


def _row(sample: StoredSample, position: int, halvings: int) -> TimeBucketRow:
    served = {key: one.requests for key, one in sample.traffic.items()}
    failed = {
        key: amount
        for key, one in sample.traffic.items()
        if (amount := one.client_errors + one.server_errors)
    }
    return TimeBucketRow(
        worker_id=sample.worker_id,
        position=position,
        number=sample.number,
        halvings=halvings,
        at=sample.at,
        requests=sample.requests,
        anonymous=sample.anonymous,
        in_use=sample.in_use,
        held=sample.held,
        blocks=sample.blocks,
        descriptors=sample.descriptors,
        threads=sample.threads,
        counts=_encode((served, failed, dict(sample.levels))),
    )
