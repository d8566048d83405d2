"""Stores sources: the text of files that add to holders, as a worker last read them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bugsly.protocol.evidence import ModuleSource
from bugsly_server.clock import Micros
from bugsly_server.store.meta.evidence_tables import source

MAX_SOURCES = 200
"""Of one project; beyond that, those seen longest ago are deleted."""
MAX_TOTAL_BYTES = 20_000_000


def save(
    connection: Connection, project_id: int, read_sources: Iterable[ModuleSource], now: Micros
) -> None:
    """Store *read_sources* in place of earlier texts of those files."""
    before = by_file(connection, project_id)
    values = [
        _values(replace(one, views={**_views(before.get(one.file)), **one.views}), project_id, now)
        for one in read_sources
    ]
    if not values:
        return
    added = upsert(source)
    fresh = {name: added.excluded[name] for name in values[0] if name not in {"project_id", "file"}}
    connection.execute(
        added.on_conflict_do_update(index_elements=["project_id", "file"], set_=fresh), values
    )
    _delete_excess(connection, project_id)


def by_file(connection: Connection, project_id: int, since: Micros = 0) -> dict[str, ModuleSource]:
    """Return the sources of a project that were read from *since* on, by file."""
    c = source.c
    condition = (c.project_id == project_id) & (c.seen_at >= since)
    query = select(c.file, c.module, c.text, c.edited, c.problem, c.views).where(condition)
    return {row.file: _source(row) for row in connection.execute(query)}


def digests(connection: Connection, project_id: int) -> dict[str, str]:
    """Return the SHA-256 of the text of each source of a project, by file."""
    query = select(source.c.file, source.c.digest).where(source.c.project_id == project_id)
    return {row.file: row.digest for row in connection.execute(query)}


def _views(before: ModuleSource | None) -> dict[str, int]:
    return {} if before is None else before.views


def _source(row: Any) -> ModuleSource:
    fields = dict(row._mapping)
    return ModuleSource(**fields | {"views": msgspec.json.decode(row.views, type=dict[str, int])})


def _values(read_source: ModuleSource, project_id: int, now: Micros) -> dict[str, object]:
    text = read_source.text.encode()
    return {
        "project_id": project_id,
        "file": read_source.file,
        "module": read_source.module,
        "text": read_source.text,
        "size": len(text),
        "digest": hashlib.sha256(text).hexdigest(),
        "edited": read_source.edited,
        "problem": read_source.problem,
        "views": msgspec.json.encode(read_source.views).decode(),
        "seen_at": now,
    }


def _delete_excess(connection: Connection, project_id: int) -> None:
    """Delete what is beyond the bounds; the latest are kept."""
    condition = source.c.project_id == project_id
    query = select(source.c.id, source.c.size).where(condition)
    total, excess = 0, []
    newest_first = query.order_by(source.c.seen_at.desc(), source.c.id.desc())
    for count, row in enumerate(connection.execute(newest_first), start=1):
        total += row.size
        if count > MAX_SOURCES or total > MAX_TOTAL_BYTES:
            excess.append(row.id)
    if excess:
        connection.execute(delete(source).where(source.c.id.in_(excess)))
