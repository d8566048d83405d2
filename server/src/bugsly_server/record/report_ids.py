"""Gives what reports name its ids in meta: workers, endpoints, holders; notes new releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bugsly_server.clock import Micros
from bugsly_server.decode.batch import ReceivedReport
from bugsly_server.model.worker import Worker
from bugsly_server.record.arrival import new_worker_fields, proven_reports
from bugsly_server.record.holder_ids import HolderIds, IdsByWorker
from bugsly_server.store.meta import workers
from bugsly_server.store.meta.database import Database


class ReportIds(NamedTuple):
    """The reports of one project that are surely their worker's, and what they name in meta."""

    reports: Sequence[ReceivedReport]
    workers: Mapping[str, Worker]
    """By token, as they were before the reports."""
    endpoints: Mapping[str, int]
    """Ids by name; an endpoint beyond `workers.MAX_ENDPOINTS` has none."""
    holders: IdsByWorker


class ReportIdRegistry:
    """Remembers the endpoints, releases and holders it has met, and nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._endpoint_ids_by_project: dict[int, Mapping[str, int]] = {}
        self._noted_releases: set[tuple[int, str]] = set()
        self._holder_ids = HolderIds(database)

    def register(
        self, project_id: int, reports: Sequence[ReceivedReport], skipped: Counter[str]
    ) -> ReportIds:
        """Return those of *reports* that count, and ids of what they name; store what is new."""
        known = self._ensure_workers(project_id, reports)
        proven = proven_reports(known, reports, skipped)
        self._note_releases(project_id, known.values())
        endpoints = self._endpoint_ids(project_id, proven)
        holders = self._holder_ids.register(proven, known, skipped)
        return ReportIds(proven, known, endpoints, holders)

    def _ensure_workers(
        self, project_id: int, reports: Sequence[ReceivedReport]
    ) -> dict[str, Worker]:
        """Return the workers that sent *reports*, by token; store those that are new."""
        tokens = {received.report.worker.id for received in reports}
        with self._database.reading() as connection:
            known = workers.find_by_tokens(connection, project_id, tokens)
        new: dict[str, ReceivedReport] = {}
        for received in reports:
            if received.report.worker.id not in known:
                new.setdefault(received.report.worker.id, received)
        if new:
            fields = {token: new_worker_fields(first) for token, first in new.items()}
            with self._database.writing() as connection:
                workers.add(connection, project_id, fields)
                known |= workers.find_by_tokens(connection, project_id, new)
        return known

    def _note_releases(self, project_id: int, sighted: Iterable[Worker]) -> None:
        first_seen: dict[str, Micros] = {}
        for worker in sighted:
            if worker.release and (project_id, worker.release) not in self._noted_releases:
                first_seen[worker.release] = min(
                    worker.started_at, first_seen.get(worker.release, worker.started_at)
                )
        if first_seen:
            with self._database.writing() as connection:
                for version, at in first_seen.items():
                    workers.note_release(connection, project_id, version, at)
            self._noted_releases |= {(project_id, version) for version in first_seen}

    def _endpoint_ids(
        self, project_id: int, reports: Sequence[ReceivedReport]
    ) -> Mapping[str, int]:
        known = self._endpoint_ids_by_project.get(project_id)
        if known is None:
            with self._database.reading() as connection:
                stored = workers.endpoint_names(connection, project_id)
            known = {name: endpoint_id for endpoint_id, name in stored.items()}
        named = {
            traffic.endpoint
            for received in reports
            for sample in received.report.samples
            for traffic in sample.traffic
        }
        missing = named - known.keys()
        if missing and len(known) < workers.MAX_ENDPOINTS:
            with self._database.writing() as connection:
                known = workers.ensure_endpoints(connection, project_id, known, missing)
        self._endpoint_ids_by_project[project_id] = known
        return known
