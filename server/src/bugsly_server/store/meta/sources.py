"""Sources: the text of the files that holders are fed in, as a worker read them last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bugsly.protocol.evidence import Source
from bugsly_server.clock import Micros
from bugsly_server.store.meta.evidence_tables import source

MOST = 200
"""Of one project; those seen longest ago go first."""
MOST_BYTES = 20_000_000


def keep(connection: Connection, project_id: int, read: Iterable[Source], now: Micros) -> None:
    """Store what was *read*, in the place of what was read of those files before."""
    before = known(connection, project_id)
    values = [
        _values(replace(one, views={**_views(before.get(one.file)), **one.views}), project_id, now)
        for one in read
    ]
    if not values:
        return
    added = upsert(source)
    fresh = {name: added.excluded[name] for name in values[0] if name not in {"project_id", "file"}}
    connection.execute(
        added.on_conflict_do_update(index_elements=["project_id", "file"], set_=fresh), values
    )
    _bound(connection, project_id)


def known(connection: Connection, project_id: int, since: Micros = 0) -> dict[str, Source]:
    """Return the sources of a project that were read from *since* on, by file."""
    c = source.c
    mine = (c.project_id == project_id) & (c.seen_at >= since)
    query = select(c.file, c.module, c.text, c.edited, c.problem, c.views).where(mine)
    return {row.file: _source(row) for row in connection.execute(query)}


def digests(connection: Connection, project_id: int) -> dict[str, str]:
    """Return the SHA-256 of the text of each source of a project, by file."""
    query = select(source.c.file, source.c.digest).where(source.c.project_id == project_id)
    return {row.file: row.digest for row in connection.execute(query)}


def _views(before: Source | None) -> dict[str, int]:
    return {} if before is None else before.views


def _source(row: Any) -> Source:
    fields = dict(row._mapping)
    return Source(**fields | {"views": msgspec.json.decode(row.views, type=dict[str, int])})


def _values(one: Source, project_id: int, now: Micros) -> dict[str, object]:
    text = one.text.encode()
    return {
        "project_id": project_id,
        "file": one.file,
        "module": one.module,
        "text": one.text,
        "size": len(text),
        "digest": hashlib.sha256(text).hexdigest(),
        "edited": one.edited,
        "problem": one.problem,
        "views": msgspec.json.encode(one.views).decode(),
        "seen_at": now,
    }


def _bound(connection: Connection, project_id: int) -> None:
    """Delete what is beyond the bounds, the latest being kept."""
    mine = source.c.project_id == project_id
    query = select(source.c.id, source.c.size).where(mine)
    total, beyond = 0, []
    newest_first = query.order_by(source.c.seen_at.desc(), source.c.id.desc())
    for count, row in enumerate(connection.execute(newest_first), start=1):
        total += row.size
        if count > MOST or total > MOST_BYTES:
            beyond.append(row.id)
    if beyond:
        connection.execute(delete(source).where(source.c.id.in_(beyond)))
