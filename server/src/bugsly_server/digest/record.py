"""Writes a batch of reports down: workers and their ends in meta, samples in telemetry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from sqlalchemy import Connection

from bugsly.protocol.memory import MemoryReport, Traffic
from bugsly_server.clock import DAY, Micros
from bugsly_server.digest.arrival import Arrival, arrive
from bugsly_server.digest.decode import Unreadable, decode_report
from bugsly_server.digest.exits import is_news, refine
from bugsly_server.model.series import Served
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import Entry, StoredSample, Telemetry

TOO_OLD: Micros = 2 * DAY

Reports = list[tuple[Micros, MemoryReport]]


class Recorder:
    """Remembers the endpoints and releases it has met, and nothing else, between batches."""

    def __init__(self, database: Database, telemetry: Telemetry) -> None:
        self._database = database
        self._telemetry = telemetry
        self._endpoints: dict[int, dict[str, int]] = {}
        self._releases: set[tuple[int, str]] = set()

    def record(
        self, entries: Sequence[Entry], skipped: Counter[tuple[int, str]]
    ) -> dict[int, list[Worker]]:
        """Store what *entries* say; return the workers they speak of, by project."""
        touched: dict[int, list[Worker]] = {}
        ordered = sorted(entries, key=lambda entry: entry.project_id)
        for project_id, members in groupby(ordered, key=lambda entry: entry.project_id):
            amounts: Counter[str] = Counter()
            reports = _decode(members, amounts)
            try:
                touched[project_id] = self._store(project_id, reports, amounts)
            except BaseException:
                self._endpoints.clear()
                self._releases.clear()
                raise
            for why, amount in amounts.items():
                skipped[project_id, why] += amount
        return touched

    def _store(self, project_id: int, reports: Reports, skipped: Counter[str]) -> list[Worker]:
        """Store the reports of one project.

        The transaction of meta ends after telemetry is written: should the process die between
        the two, the batch is digested again, gets the same ids, and nothing is missing.
        """
        with self._database.writing() as connection:
            tokens = {report.worker.id for _, report in reports}
            known = workers.find(connection, project_id, tokens)
            samples: list[StoredSample] = []
            for received_at, report in reports:
                arrival = arrive(known.get(report.worker.id), report, received_at, skipped)
                worker = _sight(connection, project_id, known.get(arrival.token), arrival)
                known[arrival.token] = worker
                self._note_release(connection, project_id, worker)
                names = [t.endpoint for _, sample in arrival.samples for t in sample.traffic]
                ids = self._endpoint_ids(connection, project_id, names)
                samples += _stored(worker.id, arrival, ids, received_at, skipped)
            self._telemetry.write(samples)
            workers.sight(connection, known.values())
            _record_exits(connection, project_id, reports)
        return list(known.values())

    def _note_release(self, connection: Connection, project_id: int, worker: Worker) -> None:
        seen = (project_id, worker.release)
        if worker.release and seen not in self._releases:
            workers.note_release(connection, project_id, worker.release, worker.started_at)
            self._releases.add(seen)

    def _endpoint_ids(
        self, connection: Connection, project_id: int, names: Sequence[str]
    ) -> Mapping[str, int]:
        known = self._endpoints.get(project_id)
        if known is None:
            stored = workers.endpoint_names(connection, project_id)
            known = {name: key for key, name in stored.items()}
        if any(name not in known for name in names):
            known = workers.ensure_endpoints(connection, project_id, known, names)
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


def _sight(
    connection: Connection, project_id: int, known: Worker | None, arrival: Arrival
) -> Worker:
    """Return the worker as *arrival* leaves it, stored already if it is a new one."""
    if known is None:
        return workers.add(connection, project_id, arrival.token, arrival.facts)
    return replace(known, **arrival.facts)


def _stored(
    worker_id: int,
    arrival: Arrival,
    ids: Mapping[str, int],
    received_at: Micros,
    skipped: Counter[str],
) -> list[StoredSample]:
    recent = [(at, sample) for at, sample in arrival.samples if received_at - at < TOO_OLD]
    if len(recent) < len(arrival.samples):
        skipped["sample older than samples are kept"] += len(arrival.samples) - len(recent)
    return [
        StoredSample(
            worker_id=worker_id,
            at=at,
            requests=sample.requests,
            anonymous=sample.anonymous,
            shared=sample.shared,
            descriptors=sample.descriptors,
            threads=sample.threads,
            in_flight=sample.in_flight,
            traffic={ids[t.endpoint]: _served(t) for t in sample.traffic if t.endpoint in ids},
        )
        for at, sample in recent
    ]


def _served(traffic: Traffic) -> Served:
    return Served(
        traffic.endpoint,
        traffic.requests,
        traffic.client_errors,
        traffic.server_errors,
        traffic.micros,
        traffic.sent,
        traffic.biggest,
    )


def _record_exits(connection: Connection, project_id: int, reports: Reports) -> None:
    told = [(report.worker.id, one) for _, report in reports for one in report.exits]
    if not told:
        return
    known = workers.find(connection, project_id, {one.worker for _, one in told})
    living = workers.living(connection, project_id)
    for teller, exit_ in told:
        worker = known.get(exit_.worker)
        if worker is None or not is_news(worker, exit_, by_itself=teller == exit_.worker):
            continue
        ended = replace(
            worker,
            ended_at=worker.seen_at,
            exit_reason=refine(exit_, worker, living),
            exit_signal=exit_.signal,
            exit_code=exit_.code,
        )
        known[exit_.worker] = ended
        workers.end(connection, ended)
