"""Stores the releases of projects, and when each was first seen."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, func, insert, select

from bugsly_server.clock import Micros
from bugsly_server.store.meta.tables import release

MAX_VERSIONS_PER_QUERY = 500
MIN_KEPT = 100
"""Releases that are kept however old they are: the newest of a project."""


def note(
    connection: Connection, project_id: int, version: str, now: Micros, max_releases: int
) -> bool:
    """Remember when a release was first seen; return False where the project has too many."""
    if first_seen(connection, project_id, [version]):
        return True
    if count(connection, project_id) >= max_releases:
        return False
    values = {"project_id": project_id, "version": version, "first_seen_at": now}
    connection.execute(insert(release).values(values))
    return True


def count(connection: Connection, project_id: int) -> int:
    """Return how many releases of a project are known."""
    query = select(func.count()).select_from(release).where(release.c.project_id == project_id)
    return connection.execute(query).scalar_one()


def first_seen(
    connection: Connection, project_id: int, versions: Iterable[str]
) -> dict[str, Micros]:
    """Return when each of *versions* was first seen; unknown ones are left out."""
    found: dict[str, Micros] = {}
    named = list(versions)
    for start in range(0, len(named), MAX_VERSIONS_PER_QUERY):
        is_named = release.c.version.in_(named[start : start + MAX_VERSIONS_PER_QUERY])
        query = select(release.c.version, release.c.first_seen_at).where(
            release.c.project_id == project_id, is_named
        )
        found |= {row.version: row.first_seen_at for row in connection.execute(query)}
    return found


def list_newest(
    connection: Connection, project_id: int, limit: int, since: Micros = 0
) -> list[tuple[str, Micros]]:
    """Return up to *limit* releases first seen from *since* on, with the moment, newest first."""
    query = (
        select(release.c.version, release.c.first_seen_at)
        .where(release.c.project_id == project_id, release.c.first_seen_at >= since)
        .order_by(release.c.first_seen_at.desc(), release.c.version.desc())
        .limit(limit)
    )
    return [(row.version, row.first_seen_at) for row in connection.execute(query)]


def delete_before(connection: Connection, project_id: int, before: Micros) -> None:
    """Delete the releases of a project first seen before *before*, but for its newest ones."""
    kept = [version for version, _ in list_newest(connection, project_id, MIN_KEPT)]
    is_old = (release.c.project_id == project_id) & (release.c.first_seen_at < before)
    connection.execute(delete(release).where(is_old, release.c.version.not_in(kept)))
