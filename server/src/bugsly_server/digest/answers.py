"""Writes down what workers answer to what they were asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import Connection

from bugsly_server.digest.holders import Reports
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import asks, partings, sources


def record_answers(
    connection: Connection,
    project_id: int,
    reports: Reports,
    known: Mapping[str, Worker],
    skipped: Counter[str],
) -> None:
    """Store the answers in *reports*, in the order in which they came, and what leavers held."""
    for received_at, report in reports:
        for answer in report.evidence.answers if report.evidence else ():
            worker_id = known[report.worker.id].id
            if asks.settle(connection, worker_id, answer, received_at):
                sources.keep(connection, project_id, answer.sources, received_at)
            else:
                skipped["answer to what was not asked, or no longer"] += 1
        if report.evidence is not None and report.evidence.parting is not None:
            partings.keep(connection, known[report.worker.id], report.evidence.parting)
