"""Stores the keys that clients of a project send with."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from bugsly_server.clock import Micros
from bugsly_server.model.project_key import ANY_ORIGIN, ProjectKey, ProjectKeyKind, newest_usable
from bugsly_server.store.meta.tables import key

DEFAULT_ORIGINS = {ProjectKeyKind.AGENT: (), ProjectKeyKind.SDK: (ANY_ORIGIN,)}
"""No page has a reason to use the key of an agent."""


def add(
    connection: Connection,
    project_id: int,
    kind: ProjectKeyKind,
    now: Micros,
    name: str = "",
    origins: tuple[str, ...] | None = None,
) -> ProjectKey:
    """Make a key; *origins* are those of `DEFAULT_ORIGINS` where None."""
    made = ProjectKey(
        public=secrets.token_hex(16),
        project_id=project_id,
        kind=kind,
        name=name,
        origins=DEFAULT_ORIGINS[kind] if origins is None else origins,
        created_at=now,
        ends_at=None,
        used_at=None,
    )
    values = {
        "public": made.public,
        "project_id": project_id,
        "kind": kind.value,
        "name": name,
        "origins": "\n".join(made.origins),
        "created_at": now,
    }
    connection.execute(insert(key).values(values))
    return made


def rotate(
    connection: Connection, old: ProjectKey, ends_at: Micros | None, now: Micros
) -> ProjectKey:
    """Make a key like *old*, which works until *ends_at*; where None, until it is revoked."""
    connection.execute(update(key).where(key.c.public == old.public).values(ends_at=ends_at))
    return add(connection, old.project_id, old.kind, now, old.name, old.origins)


def change(
    connection: Connection, project_id: int, public: str, name: str, origins: tuple[str, ...]
) -> None:
    """Give a key of a project another name and other origins."""
    values = {"name": name, "origins": "\n".join(origins)}
    condition = (key.c.project_id == project_id) & (key.c.public == public)
    connection.execute(update(key).where(condition).values(values))


def revoke(connection: Connection, project_id: int, public: str) -> None:
    """Delete a key of a project: it is unknown from then on."""
    condition = (key.c.project_id == project_id) & (key.c.public == public)
    connection.execute(delete(key).where(condition))


def get(connection: Connection, project_id: int, public: str) -> ProjectKey | None:
    """Return one key of a project."""
    query = select(key).where(key.c.project_id == project_id, key.c.public == public)
    row = connection.execute(query).one_or_none()
    return None if row is None else _key(row)


def list_of_project(connection: Connection, project_id: int) -> list[ProjectKey]:
    """Return the keys of a project, newest first."""
    order = (key.c.created_at.desc(), key.c.public)
    rows = connection.execute(select(key).where(key.c.project_id == project_id).order_by(*order))
    return [_key(row) for row in rows]


def ensure(
    connection: Connection, project_id: int, kind: ProjectKeyKind, now: Micros
) -> ProjectKey:
    """Return the key that new clients get, made now if there is none of *kind*."""
    found = newest_usable(list_of_project(connection, project_id), kind)
    return found or add(connection, project_id, kind, now)


def by_public(connection: Connection) -> dict[str, ProjectKey]:
    """Return every key by what its DSN says."""
    return {row.public: _key(row) for row in connection.execute(select(key))}


def note_uses(connection: Connection, used_at: Mapping[str, Micros]) -> None:
    """Store when keys were last used."""
    if used_at:
        statement = update(key).where(key.c.public == bindparam("used"))
        rows = [{"used": public, "at": at} for public, at in used_at.items()]
        connection.execute(statement.values(used_at=bindparam("at")), rows)


def _key(row: Row[Any]) -> ProjectKey:
    fields = dict(row._mapping)
    origins = tuple(fields["origins"].split())
    return ProjectKey(**fields | {"kind": ProjectKeyKind(fields["kind"]), "origins": origins})
