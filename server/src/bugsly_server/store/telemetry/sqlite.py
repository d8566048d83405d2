"""`ports.Telemetry` on SQLite files."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path

from bugsly_server.clock import DAY, Micros
from bugsly_server.model.series import Point, Served
from bugsly_server.store.ports import Reading, StoredSample
from bugsly_server.store.sqlite import open_for_reading, open_for_writing
from bugsly_server.store.telemetry import rows as r
from bugsly_server.store.telemetry.tiers import Tier, tiers

OPEN_FILES = 8
TRAFFIC_POINTS = 100
"""Traffic is summed anyway, so a coarse tier is fine enough."""
ROLL_UPS_PER_BUCKET = 4


class SqliteTelemetry:
    """See `ports.Telemetry`. One thread writes; any thread reads."""

    def __init__(self, folder: Path, keep_days: int) -> None:
        self._folder = folder
        self._tiers = tiers(keep_days)
        self._open: dict[Path, sqlite3.Connection] = {}
        self._lock = threading.Lock()
        self._rolled_up: dict[str, Micros] = {}

    def write(self, samples: Sequence[StoredSample]) -> None:
        """See the port."""
        finest, coarser = self._tiers[0], self._tiers[1]
        by_file = sorted(samples, key=lambda one: str(finest.file(self._folder, one.at)))
        for path, members in groupby(by_file, key=lambda one: finest.file(self._folder, one.at)):
            new = [_row(sample) for sample in members]
            marks = {(row.worker_id, coarser.bucket(row.at)) for row in new}
            with self._transaction(path) as connection:
                connection.executemany(r.INSERT, new)
                connection.executemany(r.MARK, sorted(marks))

    def points(
        self, worker_ids: Sequence[int], since: Micros, until: Micros, most: int
    ) -> Mapping[int, list[Point]]:
        """See the port."""
        found = self._select(self._tier(since, until, most), worker_ids, since, until)
        return {key: [row.point for row in r.thin(rows, most)] for key, rows in found.items()}

    def readings(self, worker_id: int, since: Micros, until: Micros, most: int) -> list[Reading]:
        """See the port."""
        found = self._select(self._tier(since, until, most), [worker_id], since, until)
        return [row.reading for row in r.thin(found[worker_id], most)]

    def traffic(
        self, worker_ids: Sequence[int], since: Micros, until: Micros
    ) -> Mapping[int, Served]:
        """See the port."""
        total: dict[int, Served] = {}
        tier = self._tier(since, until, TRAFFIC_POINTS)
        found = self._select(tier, worker_ids, since, until)
        for rows in found.values():
            for row in rows:
                r.add_traffic(total, row.traffic)
        return total

    def roll_up(self, now: Micros) -> int:
        """See the port. A tier is brought up to date a few times in the width of its bucket."""
        made = 0
        for finer, coarser in zip(self._tiers, self._tiers[1:], strict=False):
            if now - self._rolled_up.get(coarser.name, 0) < coarser.width // ROLL_UPS_PER_BUCKET:
                continue
            self._rolled_up[coarser.name] = now
            for path in finer.files(self._folder, now - finer.keep - DAY, now + DAY):
                made += self._roll_up(finer, coarser, path, now)
        return made

    def forget(self, now: Micros) -> int:
        """See the port."""
        gone = 0
        for tier in self._tiers:
            oldest = tier.file(self._folder, now - tier.keep).name
            for path in (self._folder / tier.name).glob("*.db"):
                if path.name < oldest:
                    self._drop(path)
                    gone += 1
        return gone

    def size(self) -> int:
        """See the port."""
        return sum(path.stat().st_size for path in self._folder.glob("*/*.db*"))

    def close(self) -> None:
        """See the port."""
        with self._lock:
            for connection in self._open.values():
                connection.close()
            self._open.clear()

    def _tier(self, since: Micros, until: Micros, most: int) -> Tier:
        """Return the coarsest tier that gives *most* points and the finest that reaches back."""
        enough = [tier for tier in self._tiers if tier.width * most <= until - since]
        chosen = self._tiers.index(enough[-1]) if enough else 0
        for tier in self._tiers[chosen:]:
            if tier.file(self._folder, since).exists():
                return tier
        return self._tiers[chosen]

    def _select(
        self, tier: Tier, worker_ids: Sequence[int], since: Micros, until: Micros
    ) -> dict[int, list[r.Row]]:
        found: dict[int, list[r.Row]] = {worker_id: [] for worker_id in worker_ids}
        for path in tier.files(self._folder, since, until):
            connection = open_for_reading(path)
            if connection is None:
                continue
            with closing(connection):
                for worker_id in worker_ids:
                    selected = connection.execute(r.SELECT, (worker_id, since, until))
                    found[worker_id] += r.read(selected)
        return found

    def _roll_up(self, finer: Tier, coarser: Tier, path: Path, now: Micros) -> int:
        """Make the buckets anew that *path* says are stale; the present ones stay marked."""
        with self._lock:
            source = self._connection(path)
            marks = source.execute("SELECT worker_id, bucket FROM stale").fetchall()
        made = [self._bucket(finer, coarser, worker_id, at) for worker_id, at in marks]
        self._keep([row for row in made if row is not None], coarser)
        past = [(key, at) for key, at in marks if at + 2 * coarser.width < now]
        with self._transaction(path) as connection:
            connection.executemany(r.UNMARK, past)
        return len(made)

    def _bucket(self, finer: Tier, coarser: Tier, worker_id: int, at: Micros) -> r.Row | None:
        found: list[r.Row] = []
        for path in finer.files(self._folder, at, at + coarser.width - 1):
            with self._lock:
                selected = self._connection(path).execute(
                    r.SELECT, (worker_id, at, at + coarser.width)
                )
                found += r.read(selected)
        return r.fold(found, at) if found else None

    def _keep(self, made: Sequence[r.Row], tier: Tier) -> None:
        index = self._tiers.index(tier)
        coarser = self._tiers[index + 1] if index + 1 < len(self._tiers) else None
        by_file = sorted(made, key=lambda row: str(tier.file(self._folder, row.at)))
        for path, members in groupby(by_file, key=lambda row: tier.file(self._folder, row.at)):
            rows = list(members)
            with self._transaction(path) as connection:
                connection.executemany(r.REPLACE, rows)
                if coarser is not None:
                    marks = {(row.worker_id, coarser.bucket(row.at)) for row in rows}
                    connection.executemany(r.MARK, sorted(marks))

    @contextmanager
    def _transaction(self, path: Path) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._connection(path)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _connection(self, path: Path) -> sqlite3.Connection:
        """Return the writing connection of *path*, which *_lock* guards."""
        connection = self._open.pop(path, None)
        if connection is None:
            connection = open_for_writing(path)
            connection.executescript(r.SCHEMA)
        self._open[path] = connection
        while len(self._open) > OPEN_FILES:
            oldest = next(iter(self._open))
            self._open.pop(oldest).close()
        return connection

    def _drop(self, path: Path) -> None:
        with self._lock:
            connection = self._open.pop(path, None)
            if connection is not None:
                connection.close()
            for name in (path, *path.parent.glob(f"{path.name}-*")):
                name.unlink(missing_ok=True)


def _row(sample: StoredSample) -> r.Row:
    return r.Row(
        worker_id=sample.worker_id,
        at=sample.at,
        requests=sample.requests,
        low=sample.anonymous,
        last=sample.anonymous,
        high=sample.anonymous,
        shared=sample.shared,
        descriptors=sample.descriptors,
        threads=sample.threads,
        in_flight=sample.in_flight,
        traffic=r.encode_traffic(sample.traffic),
    )
