"""Records the results of probes, and what workers held when they were about to be recycled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection

from bugsly_server.record.arrival import Arrival
from bugsly_server.store.meta import final_snapshots, probe_requests, sources


def record_probe_results(
    connection: Connection, project_id: int, arrivals: Iterable[Arrival], skipped: Counter[str]
) -> None:
    """Store the probe results and final snapshots in *arrivals*, in the order they came in."""
    for arrival in arrivals:
        evidence = arrival.report.evidence
        if evidence is None:
            continue
        for result in evidence.answers:
            if probe_requests.save_result(
                connection, arrival.worker.id, result, arrival.received_at
            ):
                sources.save(connection, project_id, result.sources, arrival.received_at)
            else:
                skipped["answer to what was not asked, or no longer"] += 1
        if evidence.parting is not None:
            final_snapshots.save(connection, arrival.worker, evidence.parting)
