"""`ports.Telemetry` on SQLite files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

from bugsly_server.clock import Micros
from bugsly_server.model.series import Point, Served
from bugsly_server.store.ports import Reading, StoredSample, StoredStep
from bugsly_server.store.sqlite import open_for_reading
from bugsly_server.store.telemetry import rollup, rows, traffic
from bugsly_server.store.telemetry.files import Files
from bugsly_server.store.telemetry.steps import Steps
from bugsly_server.store.telemetry.tiers import Tier, bucket, tiers

TRAFFIC_POINTS = 100
"""Traffic is summed anyway, so a coarse tier is fine enough."""


class SqliteTelemetry:
    """See `ports.Telemetry`. One thread writes; any thread reads."""

    def __init__(self, folder: Path, keep_days: int) -> None:
        self._folder = folder
        self._tiers = tiers(keep_days)
        self._files = Files(rows.SCHEMA + traffic.SCHEMA + rollup.SCHEMA)
        self._steps = Steps(folder / "steps.db")
        self._rolled_up: dict[str, Micros] = {}

    def write(self, samples: Sequence[StoredSample]) -> None:
        """See the port."""
        finest = self._tiers[0]
        ordered = sorted(samples, key=lambda one: one.at)
        for path, members in groupby(ordered, key=lambda one: finest.file(self._folder, one.at)):
            self._write(path, list(members))
        self._steps.write(samples)

    def points(
        self, worker_ids: Sequence[int], since: Micros, until: Micros, most: int
    ) -> Mapping[int, list[Point]]:
        """See the port."""
        found = self._rows(worker_ids, since, until, most)
        return {key: [row.point for row in few] for key, few in found.items()}

    def outlines(
        self, worker_ids: Sequence[int], since: Micros, until: Micros, most: int
    ) -> Mapping[int, list[int]]:
        """See the port."""
        width = max(1, -(-(until - since) // most))
        found: dict[int, dict[int, int]] = {worker_id: {} for worker_id in worker_ids}
        for tier, path, start, end in self._parts(since, until, most):
            first = bucket(start, tier.width)
            wanted = [(since, width, worker_id, first, end) for worker_id in worker_ids]
            for worker_id, part, last in _select(path, rows.OUTLINE, wanted):
                found[worker_id][part] = last
        return {key: list(parts.values()) for key, parts in found.items()}

    def readings(self, worker_id: int, since: Micros, until: Micros, most: int) -> list[Reading]:
        """See the port."""
        found = self._rows([worker_id], since, until, most)
        return [row.reading for row in found[worker_id]]

    def traffic(
        self, worker_ids: Sequence[int], since: Micros, until: Micros
    ) -> Mapping[int, Served]:
        """See the port."""
        total: traffic.Counts = {}
        for tier, path, start, end in self._parts(since, until, TRAFFIC_POINTS):
            first = bucket(start, tier.traffic_width)
            wanted = [(worker_id, first, end) for worker_id in worker_ids]
            for (served,) in _select(path, traffic.SELECT, wanted):
                traffic.add(total, traffic.decode(served).items())
        return traffic.served(total)

    def steps(self, worker_ids: Sequence[int]) -> Mapping[int, list[StoredStep]]:
        """See the port."""
        return self._steps.read(worker_ids)

    def roll_up(self, now: Micros) -> int:
        """See the port. A tier is brought up to date once in the width of its bucket.

        A tier is read for spans of hundreds of its buckets, so one that lacks cannot be seen.
        """
        made = 0
        marks = (*(tier.width for tier in self._tiers[2:]), 0)
        for finer, tier, mark_width in zip(self._tiers, self._tiers[1:], marks, strict=False):
            if now - self._rolled_up.get(tier.name, 0) >= tier.width:
                self._rolled_up[tier.name] = now
                for source in finer.files(self._folder):
                    target = tier.file(self._folder, finer.begin(source))
                    made += rollup.roll_up(self._files, source, target, tier, mark_width)
        return made

    def forget(self, now: Micros) -> int:
        """See the port. What a reader of a dropped file left beside it goes the next time.

        A file goes before its companions: a reader has to find none rather than half of one.
        """
        gone = 0
        for tier in self._tiers:
            oldest = tier.file(self._folder, now - tier.keep).name
            for path in sorted((self._folder / tier.name).glob("*.db*")):
                if path.name < oldest:
                    gone += path.suffix == ".db"
                    self._files.drop(path)
        self._steps.forget(now)
        return gone

    def size(self) -> int:
        """See the port."""
        return sum(path.stat().st_size for path in self._folder.glob("**/*.db*"))

    def close(self) -> None:
        """See the port."""
        self._files.close()
        self._steps.close()

    def _write(self, path: Path, samples: Sequence[StoredSample]) -> None:
        """Write *samples*, all of one file; traffic counts only with a sample that is new."""
        finest, coarser = self._tiers[:2]
        with self._files.writing(path) as connection:
            new = [
                sample
                for sample in samples
                if connection.execute(rows.INSERT, rows.row(sample)).rowcount
            ]
            rollup.mark(connection, map(rows.row, new), coarser.width)
            for place, served in traffic.by_place(new, finest.traffic_width).items():
                known = connection.execute(traffic.FIND, place).fetchone()
                total: traffic.Counts = {} if known is None else traffic.decode(known[0])
                traffic.add_samples(total, served)
                connection.execute(traffic.REPLACE, (*place, traffic.encode(total)))

    def _rows(
        self, worker_ids: Sequence[int], since: Micros, until: Micros, most: int
    ) -> dict[int, list[rows.Row]]:
        found: dict[int, list[rows.Row]] = {worker_id: [] for worker_id in worker_ids}
        for tier, path, start, end in self._parts(since, until, most):
            first = bucket(start, tier.width)
            wanted = [(worker_id, first, end) for worker_id in worker_ids]
            for row in map(rows.Row._make, _select(path, rows.SELECT, wanted)):
                found[row.worker_id].append(row)
        return {key: rows.thin(one, most) for key, one in found.items()}

    def _parts(
        self, since: Micros, until: Micros, most: int
    ) -> list[tuple[Tier, Path, Micros, Micros]]:
        """Return the files to read for a span, each with its part of it, in order of time.

        They are of the coarsest tier that gives *most* points, and of coarser ones for what
        lies before the oldest file of that tier.
        """
        fit = [index for index, one in enumerate(self._tiers) if one.width * most <= until - since]
        parts: list[tuple[Tier, Path, Micros, Micros]] = []
        for tier in self._tiers[fit[-1] :] if fit else ():
            there = tier.files(self._folder)
            begins = [tier.begin(path) for path in there]
            ends = [min(end, until) for end in (*begins[1:], until)]
            parts = [
                (tier, path, max(since, begin), end)
                for path, begin, end in zip(there, begins, ends, strict=False)
                if max(since, begin) < end
            ] + parts
            until = min([until, *begins])
        return parts


def _select(path: Path, query: str, wanted: Iterable[tuple[int, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows for each of *wanted*; none more once the file is forgotten meanwhile."""
    connection = open_for_reading(path)
    if connection is None:
        return
    with closing(connection):
        try:
            for parameters in wanted:
                yield from connection.execute(query, parameters)
        except sqlite3.OperationalError:
            if path.exists():
                raise
