"""Stores holders: what keeps the memory of a worker, as last described."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bugsly.protocol.evidence import Holder
from bugsly_server.clock import Micros
from bugsly_server.store.meta.evidence_tables import holder
from bugsly_server.store.meta.tables import worker

MAX_HOLDERS = 200
"""Of one worker over its lifetime; far fewer grow at a time."""
_HOLDER_DECODER = msgspec.json.Decoder(Holder)


def ids_by_worker(connection: Connection, worker_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Return the ids of the holders of each worker, by name."""
    found: dict[int, dict[str, int]] = {worker_id: {} for worker_id in worker_ids}
    query = select(holder.c.worker_id, holder.c.name, holder.c.id)
    for row in connection.execute(query.where(holder.c.worker_id.in_(found))):
        found[row.worker_id][row.name] = row.id
    return found


def ensure_exist(connection: Connection, worker_id: int, names: Iterable[str], now: Micros) -> None:
    """Store holders that were counted, not described."""
    values = [
        {"worker_id": worker_id, "name": name, "first_at": now, "seen_at": now} for name in names
    ]
    connection.execute(upsert(holder).on_conflict_do_nothing(), values)


def save_descriptions(
    connection: Connection, worker_id: int, described: Iterable[Holder], now: Micros
) -> None:
    """Store the latest description of each of *described*."""
    values = [
        {
            "worker_id": worker_id,
            "name": one.name,
            "description": msgspec.json.encode(one).decode(),
            "first_at": now,
            "seen_at": now,
        }
        for one in described
    ]
    added = upsert(holder)
    latest = {"description": added.excluded.description, "seen_at": added.excluded.seen_at}
    connection.execute(
        added.on_conflict_do_update(index_elements=["worker_id", "name"], set_=latest), values
    )


def descriptions(connection: Connection, worker_ids: Iterable[int]) -> dict[str, Holder]:
    """Return the latest description of each holder of *worker_ids*, by name."""
    query = (
        select(holder.c.description)
        .where(holder.c.worker_id.in_(list(worker_ids)), holder.c.description.is_not(None))
        .order_by(holder.c.seen_at, holder.c.id)
    )
    described = (_HOLDER_DECODER.decode(text) for (text,) in connection.execute(query))
    return {one.name: one for one in described}


def names_by_id(connection: Connection, worker_ids: Iterable[int]) -> Mapping[int, str]:
    """Return the holders of *worker_ids*, by id."""
    query = select(holder.c.id, holder.c.name).where(holder.c.worker_id.in_(list(worker_ids)))
    return {row.id: row.name for row in connection.execute(query)}


def delete_before(connection: Connection, before: Micros) -> int:
    """Delete the holders of workers last seen before *before*; return how many."""
    old = select(worker.c.id).where(worker.c.seen_at < before)
    return connection.execute(delete(holder).where(holder.c.worker_id.in_(old))).rowcount
