"""Records a batch of memory reports: workers and their ends in meta, samples in telemetry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

from sqlalchemy import Connection

from bugsly.protocol.memory import SampledTraffic
from bugsly_server.clock import DAY, Micros
from bugsly_server.decode.batch import ReceivedReport
from bugsly_server.model.time_series import EndpointTraffic
from bugsly_server.model.worker import Worker, hash_secret
from bugsly_server.record.arrival import Arrival
from bugsly_server.record.probe_results import record_probe_results
from bugsly_server.record.report_ids import ReportIdRegistry, ReportIds
from bugsly_server.record.worker_exits import adds_information, refine_exit_reason
from bugsly_server.store.meta import workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import StoredSample, Telemetry

MAX_SAMPLE_AGE: Micros = DAY
"""The finest tier is sure to have the file of a day that is no longer ago."""


class MemoryRecorder:
    """Records the reports of one project in two steps; a crash may end it after any write.

    `register` comes first, because samples are stored under the ids that meta gives. Then `record`
    writes the samples, which are stored once however often they are written. The state of the
    workers comes last: only that makes the same reports repetitions.
    """

    def __init__(self, database: Database, telemetry: Telemetry) -> None:
        self._database = database
        self._telemetry = telemetry
        self._registry = ReportIdRegistry(database)

    def register(
        self, project_id: int, reports: Sequence[ReceivedReport], skipped: Counter[str]
    ) -> ReportIds:
        """Return the ids of what *reports* name; store what is new of it."""
        return self._registry.register(project_id, reports, skipped)

    def forget_ids(self) -> None:
        """Read ids anew from now on: some were deleted."""
        self._registry = ReportIdRegistry(self._database)

    def record(
        self, project_id: int, arrivals: Sequence[Arrival], ids: ReportIds, skipped: Counter[str]
    ) -> list[Worker]:
        """Store *arrivals*, of reports with *ids*; return their workers as they are now."""
        self._telemetry.write(
            [sample for arrival in arrivals for sample in _stored_samples(arrival, ids, skipped)]
        )
        reporting = {arrival.worker.id: arrival.worker for arrival in arrivals}
        with self._database.writing() as connection:
            workers.update_from_reports(connection, reporting.values())
            _record_exits(connection, project_id, arrivals, skipped)
            record_probe_results(connection, project_id, arrivals, skipped)
        return list(reporting.values())


def _stored_samples(
    arrival: Arrival, ids: ReportIds, skipped: Counter[str]
) -> Iterable[StoredSample]:
    oldest = arrival.received_at - MAX_SAMPLE_AGE
    recent = [(at, sample) for at, sample in arrival.samples if at > oldest]
    if len(recent) < len(arrival.samples):
        skipped["sample older than samples are kept"] += len(arrival.samples) - len(recent)
    holder_ids = ids.holders.get(arrival.worker.id, {})
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
            traffic=_traffic_by_endpoint(sample.traffic, ids.endpoints, skipped),
            number=sample.number,
            in_use=sample.in_use,
            held=sample.held,
            blocks=sample.blocks,
            levels={
                holder_id: level.count
                for level in sample.levels
                if (holder_id := holder_ids.get(level.holder)) is not None
            },
        )
        for at, sample in recent
    ]


def _traffic_by_endpoint(
    traffic: Iterable[SampledTraffic], endpoint_ids: Mapping[str, int], skipped: Counter[str]
) -> dict[int, EndpointTraffic]:
    total: dict[int, EndpointTraffic] = {}
    for endpoint_traffic in traffic:
        endpoint_id = endpoint_ids.get(endpoint_traffic.endpoint)
        if endpoint_id is None:
            skipped["traffic of an endpoint beyond the 1,000 of a project"] += 1
            continue
        served = EndpointTraffic(*_served_values(endpoint_traffic))
        known = total.get(endpoint_id)
        total[endpoint_id] = served if known is None else known.merged_with(served)
    return total


_served_values = attrgetter(*EndpointTraffic._fields)


def _record_exits(
    connection: Connection, project_id: int, arrivals: Sequence[Arrival], skipped: Counter[str]
) -> None:
    reported = [(arrival.token, one) for arrival in arrivals for one in arrival.report.exits]
    if not reported:
        return
    known = workers.find_by_tokens(connection, project_id, {one.worker for _, one in reported})
    living = workers.list_living(connection, project_id)
    for reporter, exit_ in reported:
        worker, is_self_reported = known.get(exit_.worker), reporter == exit_.worker
        if worker is None:
            skipped["exit of a worker never heard of"] += 1
        elif not is_self_reported and not worker.is_proven_by(hash_secret(exit_.secret)):
            skipped["exit of a worker by somebody without its secret"] += 1
        elif adds_information(worker, exit_, is_self_reported=is_self_reported):
            known[exit_.worker] = replace(
                worker,
                ended_at=worker.seen_at,
                exit_reason=refine_exit_reason(exit_, worker, living),
                exit_signal=exit_.signal,
                exit_code=exit_.code,
                exit_because=exit_.because,
            )
            workers.record_end(connection, known[exit_.worker])
