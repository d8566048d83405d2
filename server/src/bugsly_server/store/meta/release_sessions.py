"""Stores the sessions of releases, from which crash-free rates are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bugsly_server.clock import DAY, Micros
from bugsly_server.model.session_counts import SessionCounts
from bugsly_server.store.meta.error_tables import counted_sessions, error, health
from bugsly_server.store.meta.tables import issue, release
from bugsly_server.store.ports import SpoolEntry

MAX_RELEASES = 100


class SessionKey(NamedTuple):
    """What sessions are counted by; *day* counts from 1970."""

    project_id: int
    release: str
    environment: str
    day: int


class ReleaseHealth(NamedTuple):
    """A release, its sessions, and the errors that it brought."""

    version: str
    first_seen_at: Micros
    errors: int
    """Errors that were first seen in it."""
    health: SessionCounts


def uncounted(
    connection: Connection, project_id: int, entries: Sequence[SpoolEntry]
) -> list[SpoolEntry]:
    """Return those of *entries*, in the order of arrival, whose sessions are not counted yet.

    A spool that was set aside gives its ids anew, but to what arrived later.
    """
    c = counted_sessions.c
    query = select(c.entry_id, c.received_at).where(c.project_id == project_id)
    newest = connection.execute(query).one_or_none()
    return [
        one
        for one in entries
        if newest is None or one.id > newest.entry_id or one.received_at > newest.received_at
    ]


def mark_counted(connection: Connection, project_id: int, entries: Sequence[SpoolEntry]) -> None:
    """Note that the sessions up to the last of *entries* are counted; the clock may step back."""
    progress = {
        "entry_id": entries[-1].id,
        "received_at": max(one.received_at for one in entries),
    }
    added = upsert(counted_sessions).values(project_id=project_id, **progress)
    connection.execute(added.on_conflict_do_update(index_elements=["project_id"], set_=progress))


def add_sessions(connection: Connection, amounts: Mapping[SessionKey, SessionCounts]) -> None:
    """Add sessions to those that are stored."""
    rows = [key._asdict() | one._asdict() for key, one in amounts.items()]
    if not rows:
        return
    added = upsert(health)
    sums = {name: health.c[name] + added.excluded[name] for name in SessionCounts._fields}
    connection.execute(
        added.on_conflict_do_update(index_elements=list(SessionKey._fields), set_=sums), rows
    )


def list_releases(connection: Connection, project_id: int, since: Micros) -> list[ReleaseHealth]:
    """Return the latest releases of a project, with their sessions since the day of *since*."""
    sums = [func.sum(health.c[name]) for name in SessionCounts._fields]
    query = select(health.c.release, *sums).where(
        health.c.project_id == project_id, health.c.day >= since // DAY
    )
    rows = connection.execute(query.group_by(health.c.release))
    sessions_by_release = {row[0]: SessionCounts(*map(int, row[1:])) for row in rows}
    count = select(error.c.first_release, func.count()).join(issue, issue.c.id == error.c.issue_id)
    error_counts = count.where(issue.c.project_id == project_id).group_by(error.c.first_release)
    new_errors = {row[0]: int(row[1]) for row in connection.execute(error_counts)}
    known = select(release).where(release.c.project_id == project_id)
    newest = known.order_by(release.c.first_seen_at.desc()).limit(MAX_RELEASES)
    return [
        ReleaseHealth(
            version=row.version,
            first_seen_at=row.first_seen_at,
            errors=new_errors.get(row.version, 0),
            health=sessions_by_release.get(row.version, SessionCounts(0, 0, 0)),
        )
        for row in connection.execute(newest)
    ]


def delete_before(connection: Connection, before: Micros) -> None:
    """Delete the days before *before*."""
    connection.execute(delete(health).where(health.c.day < before // DAY))
