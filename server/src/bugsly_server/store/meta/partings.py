"""What workers held when the safety net was about to end them."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bugsly.protocol.evidence import Answer
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta.evidence_tables import parting
from bugsly_server.store.meta.tables import worker

MOST = 50
"""Of a project; of more, the oldest are dropped."""
_ANSWER = msgspec.json.Decoder(Answer)


def keep(connection: Connection, leaving: Worker, held: Answer) -> None:
    """Store what *leaving* held, and no more of its project than `MOST`."""
    told = {"answer": msgspec.json.encode(held).decode()}
    values = {"worker_id": leaving.id, "project_id": leaving.project_id, **told}
    added = upsert(parting).values(values)
    connection.execute(added.on_conflict_do_update(index_elements=["worker_id"], set_=told))
    mine = parting.c.project_id == leaving.project_id
    newest = select(parting.c.worker_id).where(mine).order_by(parting.c.worker_id.desc())
    old = mine & parting.c.worker_id.not_in(newest.limit(MOST))
    connection.execute(delete(parting).where(old))


def of_worker(connection: Connection, worker_id: int) -> Answer | None:
    """Return what a worker held when it was about to go."""
    query = select(parting.c.answer).where(parting.c.worker_id == worker_id)
    told = connection.execute(query).scalar_one_or_none()
    return None if told is None else _ANSWER.decode(told)


def latest(connection: Connection, project_id: int, environment: str) -> int | None:
    """Return the id of the last worker of an environment that told what it held."""
    query = select(parting.c.worker_id).join(worker)
    there = (parting.c.project_id == project_id) & (worker.c.environment == environment)
    newest = query.where(there).order_by(parting.c.worker_id.desc()).limit(1)
    found: int | None = connection.execute(newest).scalar_one_or_none()
    return found
