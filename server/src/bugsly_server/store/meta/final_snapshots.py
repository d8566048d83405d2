"""Stores what workers held when they were about to be recycled."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bugsly.protocol.evidence import ProbeResult
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta.evidence_tables import final_snapshot
from bugsly_server.store.meta.tables import worker

MAX_SNAPSHOTS = 50
"""Of a project; beyond that, the oldest are deleted."""
_RESULT_DECODER = msgspec.json.Decoder(ProbeResult)


def save(connection: Connection, leaving_worker: Worker, snapshot: ProbeResult) -> None:
    """Store what *leaving_worker* held, and no more of its project than `MAX_SNAPSHOTS`."""
    body = {"answer": msgspec.json.encode(snapshot).decode()}
    values = {"worker_id": leaving_worker.id, "project_id": leaving_worker.project_id, **body}
    added = upsert(final_snapshot).values(values)
    connection.execute(added.on_conflict_do_update(index_elements=["worker_id"], set_=body))
    condition = final_snapshot.c.project_id == leaving_worker.project_id
    newest = (
        select(final_snapshot.c.worker_id)
        .where(condition)
        .order_by(final_snapshot.c.worker_id.desc())
    )
    old = condition & final_snapshot.c.worker_id.not_in(newest.limit(MAX_SNAPSHOTS))
    connection.execute(delete(final_snapshot).where(old))


def of_worker(connection: Connection, worker_id: int) -> ProbeResult | None:
    """Return the final snapshot of a worker."""
    query = select(final_snapshot.c.answer).where(final_snapshot.c.worker_id == worker_id)
    encoded = connection.execute(query).scalar_one_or_none()
    return None if encoded is None else _RESULT_DECODER.decode(encoded)


def latest_worker_id(connection: Connection, project_id: int, environment: str) -> int | None:
    """Return the id of the last worker of an environment that has a final snapshot."""
    query = select(final_snapshot.c.worker_id).join(worker)
    condition = (final_snapshot.c.project_id == project_id) & (worker.c.environment == environment)
    newest = query.where(condition).order_by(final_snapshot.c.worker_id.desc()).limit(1)
    found: int | None = connection.execute(newest).scalar_one_or_none()
    return found
