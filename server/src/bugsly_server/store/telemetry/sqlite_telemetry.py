"""`ports.Telemetry` on SQLite files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from bugsly_server.clock import Micros, has_passed
from bugsly_server.model.time_series import EndpointTraffic, MemoryPoint
from bugsly_server.store.ports import GaugePoint, StoredSample, StoredTimeBucket
from bugsly_server.store.size_retention import DatedFile
from bugsly_server.store.telemetry import rollup, sample_rows, traffic_rows
from bugsly_server.store.telemetry.database_files import DatabaseFiles, checked
from bugsly_server.store.telemetry.tiers import Tier, bucket_start, tiers
from bugsly_server.store.telemetry.time_buckets import TimeBucketStore

MAX_TRAFFIC_POINTS = 100
"""Traffic is summed anyway, so a coarse tier is fine enough."""


class SqliteTelemetry:
    """See `ports.Telemetry`. One thread writes; any thread reads."""

    def __init__(self, folder: Path, keep_days: int) -> None:
        self._folder = folder
        self._tiers = tiers(keep_days)
        self._files = DatabaseFiles(sample_rows.SCHEMA + traffic_rows.SCHEMA + rollup.SCHEMA)
        self._time_buckets = TimeBucketStore(folder / "steps.db")
        self._rolled_up: dict[str, Micros] = {}

    def write(self, samples: Sequence[StoredSample]) -> None:
        """See the port."""
        finest = self._tiers[0]
        ordered = sorted(samples, key=lambda sample: sample.at)
        for path, members in groupby(
            ordered, key=lambda sample: finest.file(self._folder, sample.at)
        ):
            self._write(path, list(members))
        self._time_buckets.write(samples)

    def points(
        self, worker_ids: Sequence[int], since: Micros, until: Micros, max_points: int
    ) -> Mapping[int, list[MemoryPoint]]:
        """See the port."""
        found = self._rows(worker_ids, since, until, max_points)
        return {key: [row.point for row in few] for key, few in found.items()}

    def sparklines(
        self, worker_ids: Sequence[int], since: Micros, until: Micros, max_points: int
    ) -> Mapping[int, list[int]]:
        """See the port."""
        width = max(1, -(-(until - since) // max_points))
        found: dict[int, dict[int, int]] = {worker_id: {} for worker_id in worker_ids}
        for tier, path, start, end in self._parts(since, until, max_points):
            first = bucket_start(start, tier.width)
            parameter_sets = [(since, width, worker_id, first, end) for worker_id in worker_ids]
            rows = self._files.select(path, sample_rows.SELECT_SPARKLINE, parameter_sets, checked)
            for worker_id, part, last in rows:
                found[worker_id][part] = last
        return {key: list(parts.values()) for key, parts in found.items()}

    def gauge_points(
        self, worker_id: int, since: Micros, until: Micros, max_points: int
    ) -> list[GaugePoint]:
        """See the port."""
        found = self._rows([worker_id], since, until, max_points)
        return [row.gauge_point for row in found[worker_id]]

    def traffic(
        self, worker_ids: Sequence[int], since: Micros, until: Micros
    ) -> Mapping[int, EndpointTraffic]:
        """See the port."""
        total: traffic_rows.TrafficCounts = {}
        for tier, path, start, end in self._parts(since, until, MAX_TRAFFIC_POINTS):
            first = bucket_start(start, tier.traffic_width)
            parameter_sets = [(worker_id, first, end) for worker_id in worker_ids]
            rows = self._files.select(path, traffic_rows.SELECT, parameter_sets, checked)
            for (served,) in rows:
                traffic_rows.add_counts(total, traffic_rows.decode(served).items())
        return traffic_rows.to_served(total)

    def time_buckets(self, worker_ids: Sequence[int]) -> Mapping[int, list[StoredTimeBucket]]:
        """See the port."""
        return self._time_buckets.read(worker_ids)

    def roll_up(self, now: Micros) -> int:
        """See the port. A tier is brought up to date once per width of its buckets.

        A tier is read for spans of hundreds of buckets, so nobody sees that the last is missing.
        """
        made = 0
        marks = (*(tier.width for tier in self._tiers[2:]), 0)
        for finer, tier, mark_width in zip(self._tiers, self._tiers[1:], marks, strict=False):
            if has_passed(tier.width, self._rolled_up.get(tier.name, 0), now):
                self._rolled_up[tier.name] = now
                for source in finer.files(self._folder):
                    target = tier.file(self._folder, finer.begin(source))
                    made += rollup.roll_up(self._files, source, target, tier, mark_width)
        return made

    def delete_expired(self, now: Micros) -> int:
        """See the port. What a reader of a removed file left next to it is removed the next time.

        A file is removed before its companions: a reader has to find none rather than half of one.
        """
        gone = 0
        for tier in self._tiers:
            oldest = tier.file(self._folder, now - tier.retention).name
            for path in sorted((self._folder / tier.name).glob("*.db*")):
                if path.name < oldest:
                    gone += path.suffix == ".db"
                    self._files.drop(path)
        self._time_buckets.delete_stale(now)
        return gone

    def dated_files(self) -> list[DatedFile]:
        """See the port."""
        return [one for tier in self._tiers for one in tier.dated_files(self._folder)]

    def delete_file(self, file: DatedFile) -> None:
        """See the port."""
        self._files.drop(file.path)

    def size(self) -> int:
        """See the port."""
        return sum(path.stat().st_size for path in self._folder.glob("**/*.db*"))

    def close(self) -> None:
        """See the port."""
        self._files.close()
        self._time_buckets.close()

    def _write(self, path: Path, samples: Sequence[StoredSample]) -> None:
        """Write *samples*, all of one file; traffic counts only with a sample that is new."""
        finest, coarser = self._tiers[:2]
        with self._files.writing(path) as connection:
            new = [
                sample
                for sample in samples
                if connection.execute(sample_rows.INSERT, sample_rows.sample_row(sample)).rowcount
            ]
            rollup.mark_stale(connection, map(sample_rows.sample_row, new), coarser.width)
            for key, served in traffic_rows.by_key(new, finest.traffic_width).items():
                known = connection.execute(traffic_rows.FIND, key).fetchone()
                total: traffic_rows.TrafficCounts = (
                    {} if known is None else traffic_rows.decode(known[0])
                )
                traffic_rows.add_samples(total, served)
                connection.execute(traffic_rows.REPLACE, (*key, traffic_rows.encode(total)))

    def _rows(
        self, worker_ids: Sequence[int], since: Micros, until: Micros, max_points: int
    ) -> dict[int, list[sample_rows.SampleRow]]:
        found: dict[int, list[sample_rows.SampleRow]] = {worker_id: [] for worker_id in worker_ids}
        for tier, path, start, end in self._parts(since, until, max_points):
            first = bucket_start(start, tier.width)
            parameter_sets = [(worker_id, first, end) for worker_id in worker_ids]
            rows = self._files.select(path, sample_rows.SELECT, parameter_sets, checked)
            for row in map(sample_rows.SampleRow._make, rows):
                found[row.worker_id].append(row)
        return {key: sample_rows.downsample(one, max_points) for key, one in found.items()}

    def _parts(
        self, since: Micros, until: Micros, min_points: int
    ) -> list[tuple[Tier, Path, Micros, Micros]]:
        """Return the files to read for a span, each with its part of it, in order of time.

        They are of the coarsest tier that has *min_points* points, and of coarser ones for the time
        before the oldest file of that tier.
        """
        fit = [
            index
            for index, one in enumerate(self._tiers)
            if one.width * min_points <= until - since
        ]
        parts: list[tuple[Tier, Path, Micros, Micros]] = []
        for tier in self._tiers[fit[-1] :] if fit else ():
            paths = tier.files(self._folder)
            begins = [tier.begin(path) for path in paths]
            ends = [min(end, until) for end in (*begins[1:], until)]
            parts = [
                (tier, path, max(since, begin), end)
                for path, begin, end in zip(paths, begins, ends, strict=False)
                if max(since, begin) < end
            ] + parts
            until = min([until, *begins])
        return parts
