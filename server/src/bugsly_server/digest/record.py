"""Writes a batch of reports down: workers and their ends in meta, samples in telemetry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection

from bugsly.protocol.memory import MemoryReport, Traffic
from bugsly_server.clock import DAY, Micros
from bugsly_server.digest.answers import record_answers
from bugsly_server.digest.arrival import Arrival, arrive, introduce
from bugsly_server.digest.decode import Unreadable, decode_report
from bugsly_server.digest.exits import is_news, refine
from bugsly_server.digest.holders import Holders, Reports
from bugsly_server.model.series import Served
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import Entry, StoredSample, Telemetry

TOO_OLD: Micros = DAY
"""As long as the finest tier surely has the file of that day."""


class Recorder:
    """Remembers the endpoints, releases and holders it has met, and nothing else."""

    def __init__(self, database: Database, telemetry: Telemetry) -> None:
        self._database = database
        self._telemetry = telemetry
        self._endpoints: dict[int, Mapping[str, int]] = {}
        self._releases: set[tuple[int, str]] = set()
        self._holders = Holders(database)

    def record(
        self, entries: Sequence[Entry], skipped: Counter[tuple[int, str]]
    ) -> dict[int, list[Worker]]:
        """Store what *entries* say; return the workers they speak of, by project."""
        touched: dict[int, list[Worker]] = {}
        ordered = sorted(entries, key=lambda entry: entry.project_id)
        for project_id, members in groupby(ordered, key=lambda entry: entry.project_id):
            amounts: Counter[str] = Counter()
            reports = _decode(members, amounts)
            if reports:
                touched[project_id] = self._store(project_id, reports, amounts)
            for why, amount in amounts.items():
                skipped[project_id, why] += amount
        return touched

    def _store(self, project_id: int, reports: Reports, skipped: Counter[str]) -> list[Worker]:
        """Store the reports of one project, in three steps each of which may be the last.

        Who is speaking comes first, because samples are kept under the ids that meta gives. Then
        the samples, which are kept once however often they are written. What is known of the
        workers comes last: only then would the same reports be told to be repetitions.
        """
        known = self._introduce(project_id, reports)
        endpoint_ids = self._endpoint_ids(project_id, reports)
        holder_ids = self._holders.ids(reports, known, skipped)
        samples: list[StoredSample] = []
        for received_at, report in reports:
            arrival = arrive(known[report.worker.id], report, received_at, skipped)
            known[report.worker.id] = arrival.worker
            mine = holder_ids.get(arrival.worker.id, {})
            samples += _stored(arrival, endpoint_ids, mine, received_at, skipped)
        self._telemetry.write(samples)
        with self._database.writing() as connection:
            workers.sight(connection, known.values())
            _record_exits(connection, project_id, reports, skipped)
            record_answers(connection, project_id, reports, known, skipped)
        return list(known.values())

    def _introduce(self, project_id: int, reports: Reports) -> dict[str, Worker]:
        """Return the workers that speak in *reports*, by token; store those that are new."""
        tokens = {report.worker.id for _, report in reports}
        with self._database.reading() as connection:
            known = workers.find(connection, project_id, tokens)
        new: dict[str, tuple[Micros, MemoryReport]] = {}
        for received_at, report in reports:
            if report.worker.id not in known:
                new.setdefault(report.worker.id, (received_at, report))
        if new:
            facts = {token: introduce(report, at) for token, (at, report) in new.items()}
            with self._database.writing() as connection:
                workers.add(connection, project_id, facts)
                known |= workers.find(connection, project_id, new)
        self._note_releases(project_id, known.values())
        return known

    def _note_releases(self, project_id: int, present: Iterable[Worker]) -> None:
        first: dict[str, Micros] = {}
        for one in present:
            if one.release and (project_id, one.release) not in self._releases:
                first[one.release] = min(one.started_at, first.get(one.release, one.started_at))
        if first:
            with self._database.writing() as connection:
                for version, at in first.items():
                    workers.note_release(connection, project_id, version, at)
            self._releases |= {(project_id, version) for version in first}

    def _endpoint_ids(self, project_id: int, reports: Reports) -> Mapping[str, int]:
        known = self._endpoints.get(project_id)
        if known is None:
            with self._database.reading() as connection:
                stored = workers.endpoint_names(connection, project_id)
            known = {name: key for key, name in stored.items()}
        traffic = (t for _, report in reports for one in report.samples for t in one.traffic)
        missing = {one.endpoint for one in traffic} - known.keys()
        if missing and len(known) < workers.MAX_ENDPOINTS:
            with self._database.writing() as connection:
                known = workers.ensure_endpoints(connection, project_id, known, missing)
        self._endpoints[project_id] = known
        return known


def _decode(entries: Iterable[Entry], skipped: Counter[str]) -> Reports:
    reports = []
    for entry in entries:
        try:
            reports.append((entry.received_at, decode_report(entry.payload, skipped)))
        except Unreadable as error:
            skipped[str(error)] += 1
    return reports


def _stored(
    arrival: Arrival,
    endpoint_ids: Mapping[str, int],
    holder_ids: Mapping[str, int],
    received_at: Micros,
    skipped: Counter[str],
) -> list[StoredSample]:
    recent = [(at, sample) for at, sample in arrival.samples if received_at - at < TOO_OLD]
    if len(recent) < len(arrival.samples):
        skipped["sample older than samples are kept"] += len(arrival.samples) - len(recent)
    return [
        StoredSample(
            worker_id=arrival.worker.id,
            at=at,
            requests=sample.requests,
            anonymous=sample.anonymous,
            shared=sample.shared,
            descriptors=sample.descriptors,
            threads=sample.threads,
            in_flight=sample.in_flight,
            traffic=_served(sample.traffic, endpoint_ids, skipped),
            number=sample.number,
            in_use=sample.in_use,
            held=sample.held,
            blocks=sample.blocks,
            levels={
                key: one.count
                for one in sample.levels
                if (key := holder_ids.get(one.holder)) is not None
            },
        )
        for at, sample in recent
    ]


def _served(
    traffic: Iterable[Traffic], endpoint_ids: Mapping[str, int], skipped: Counter[str]
) -> dict[int, Served]:
    total: dict[int, Served] = {}
    for one in traffic:
        key = endpoint_ids.get(one.endpoint)
        if key is None:
            skipped["traffic of an endpoint beyond the 1,000 of a project"] += 1
            continue
        served = Served(*_fields(one))
        total[key] = total[key].together_with(served) if key in total else served
    return total


_fields = attrgetter(*Served._fields)


def _record_exits(
    connection: Connection, project_id: int, reports: Reports, skipped: Counter[str]
) -> None:
    told = [(report.worker.id, one) for _, report in reports for one in report.exits]
    if not told:
        return
    known = workers.find(connection, project_id, {one.worker for _, one in told})
    living = workers.living(connection, project_id)
    for teller, exit_ in told:
        worker = known.get(exit_.worker)
        if worker is None:
            skipped["exit of a worker never heard of"] += 1
        elif is_news(worker, exit_, by_itself=teller == exit_.worker):
            known[exit_.worker] = replace(
                worker,
                ended_at=worker.seen_at,
                exit_reason=refine(exit_, worker, living),
                exit_signal=exit_.signal,
                exit_code=exit_.code,
                exit_because=exit_.because,
            )
            workers.end(connection, known[exit_.worker])
