"""Writes down what workers answer to what they were asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection

from bugsly_server.model.worker import Worker
from bugsly_server.record.holder_ids import Reports
from bugsly_server.store.meta import final_snapshots, probe_requests, sources


def record_probe_results(
    connection: Connection,
    project_id: int,
    reports: Reports,
    known: Mapping[str, Worker],
    skipped: Counter[str],
) -> None:
    """Store the answers in *reports*, in the order in which they came, and what leavers held."""
    for received_at, report in reports:
        for result in report.evidence.answers if report.evidence else ():
            worker_id = known[report.worker.id].id
            if probe_requests.save_result(connection, worker_id, result, received_at):
                sources.save(connection, project_id, result.sources, received_at)
            else:
                skipped["answer to what was not asked, or no longer"] += 1
        if report.evidence is not None and report.evidence.parting is not None:
            final_snapshots.save(connection, known[report.worker.id], report.evidence.parting)
