"""Writes a batch of reports down: workers and their ends in meta, samples in telemetry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection

from bugsly.protocol.memory import MemoryReport, SampledTraffic
from bugsly_server.clock import DAY, Micros
from bugsly_server.decode.memory_report import UnreadableReport, decode_report
from bugsly_server.model.time_series import EndpointTraffic
from bugsly_server.model.worker import Worker
from bugsly_server.record.arrival import Arrival, apply_report, new_worker_fields
from bugsly_server.record.holder_ids import HolderIds, Reports
from bugsly_server.record.probe_results import record_probe_results
from bugsly_server.record.worker_exits import adds_information, refine_exit_reason
from bugsly_server.store.meta import workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import SpoolEntry, StoredSample, Telemetry

MAX_SAMPLE_AGE: Micros = DAY
"""As long as the finest tier surely has the file of that day."""


class MemoryRecorder:
    """Remembers the endpoints, releases and holders it has met, and nothing else."""

    def __init__(self, database: Database, telemetry: Telemetry) -> None:
        self._database = database
        self._telemetry = telemetry
        self._endpoint_ids_by_project: dict[int, Mapping[str, int]] = {}
        self._noted_releases: set[tuple[int, str]] = set()
        self._holder_ids = HolderIds(database)

    def record(
        self, entries: Sequence[SpoolEntry], skipped: Counter[tuple[int, str]]
    ) -> dict[int, list[Worker]]:
        """Store what *entries* say; return the workers they speak of, by project."""
        touched: dict[int, list[Worker]] = {}
        ordered = sorted(entries, key=lambda entry: entry.project_id)
        for project_id, members in groupby(ordered, key=lambda entry: entry.project_id):
            amounts: Counter[str] = Counter()
            reports = _decode_reports(members, amounts)
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
        known = self._ensure_workers(project_id, reports)
        endpoint_ids = self._endpoint_ids(project_id, reports)
        holder_ids = self._holder_ids.ids(reports, known, skipped)
        samples: list[StoredSample] = []
        for received_at, report in reports:
            arrival = apply_report(known[report.worker.id], report, received_at, skipped)
            known[report.worker.id] = arrival.worker
            worker_holder_ids = holder_ids.get(arrival.worker.id, {})
            samples += _stored_samples(
                arrival, endpoint_ids, worker_holder_ids, received_at, skipped
            )
        self._telemetry.write(samples)
        with self._database.writing() as connection:
            workers.update_from_reports(connection, known.values())
            _record_exits(connection, project_id, reports, skipped)
            record_probe_results(connection, project_id, reports, known, skipped)
        return list(known.values())

    def _ensure_workers(self, project_id: int, reports: Reports) -> dict[str, Worker]:
        """Return the workers that speak in *reports*, by token; store those that are new."""
        tokens = {report.worker.id for _, report in reports}
        with self._database.reading() as connection:
            known = workers.find_by_tokens(connection, project_id, tokens)
        new: dict[str, tuple[Micros, MemoryReport]] = {}
        for received_at, report in reports:
            if report.worker.id not in known:
                new.setdefault(report.worker.id, (received_at, report))
        if new:
            facts = {token: new_worker_fields(report, at) for token, (at, report) in new.items()}
            with self._database.writing() as connection:
                workers.add(connection, project_id, facts)
                known |= workers.find_by_tokens(connection, project_id, new)
        self._note_releases(project_id, known.values())
        return known

    def _note_releases(self, project_id: int, sighted: Iterable[Worker]) -> None:
        first: dict[str, Micros] = {}
        for worker in sighted:
            if worker.release and (project_id, worker.release) not in self._noted_releases:
                first[worker.release] = min(
                    worker.started_at, first.get(worker.release, worker.started_at)
                )
        if first:
            with self._database.writing() as connection:
                for version, at in first.items():
                    workers.note_release(connection, project_id, version, at)
            self._noted_releases |= {(project_id, version) for version in first}

    def _endpoint_ids(self, project_id: int, reports: Reports) -> Mapping[str, int]:
        known = self._endpoint_ids_by_project.get(project_id)
        if known is None:
            with self._database.reading() as connection:
                stored = workers.endpoint_names(connection, project_id)
            known = {name: key for key, name in stored.items()}
        traffic = (t for _, report in reports for one in report.samples for t in one.traffic)
        missing = {one.endpoint for one in traffic} - known.keys()
        if missing and len(known) < workers.MAX_ENDPOINTS:
            with self._database.writing() as connection:
                known = workers.ensure_endpoints(connection, project_id, known, missing)
        self._endpoint_ids_by_project[project_id] = known
        return known


def _decode_reports(entries: Iterable[SpoolEntry], skipped: Counter[str]) -> Reports:
    reports = []
    for entry in entries:
        try:
            reports.append((entry.received_at, decode_report(entry.payload, skipped)))
        except UnreadableReport as error:
            skipped[str(error)] += 1
    return reports


def _stored_samples(
    arrival: Arrival,
    endpoint_ids: Mapping[str, int],
    holder_ids: Mapping[str, int],
    received_at: Micros,
    skipped: Counter[str],
) -> list[StoredSample]:
    recent = [(at, sample) for at, sample in arrival.samples if received_at - at < MAX_SAMPLE_AGE]
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
            traffic=_traffic_by_endpoint(sample.traffic, endpoint_ids, skipped),
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


def _traffic_by_endpoint(
    traffic: Iterable[SampledTraffic], endpoint_ids: Mapping[str, int], skipped: Counter[str]
) -> dict[int, EndpointTraffic]:
    total: dict[int, EndpointTraffic] = {}
    for endpoint_traffic in traffic:
        key = endpoint_ids.get(endpoint_traffic.endpoint)
        if key is None:
            skipped["traffic of an endpoint beyond the 1,000 of a project"] += 1
            continue
        served = EndpointTraffic(*_served_values(endpoint_traffic))
        total[key] = total[key].merged_with(served) if key in total else served
    return total


_served_values = attrgetter(*EndpointTraffic._fields)


def _record_exits(
    connection: Connection, project_id: int, reports: Reports, skipped: Counter[str]
) -> None:
    reported = [(report.worker.id, one) for _, report in reports for one in report.exits]
    if not reported:
        return
    known = workers.find_by_tokens(connection, project_id, {one.worker for _, one in reported})
    living = workers.list_living(connection, project_id)
    for reporter, exit_ in reported:
        worker = known.get(exit_.worker)
        if worker is None:
            skipped["exit of a worker never heard of"] += 1
        elif adds_information(worker, exit_, is_self_reported=reporter == exit_.worker):
            known[exit_.worker] = replace(
                worker,
                ended_at=worker.seen_at,
                exit_reason=refine_exit_reason(exit_, worker, living),
                exit_signal=exit_.signal,
                exit_code=exit_.code,
                exit_because=exit_.because,
            )
            workers.record_end(connection, known[exit_.worker])
