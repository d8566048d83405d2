"""Stores the environments of projects."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from bugsly_server.clock import Micros
from bugsly_server.store.meta.tables import environment


def names(connection: Connection, project_id: int) -> set[str]:
    """Return the environments of a project."""
    query = select(environment.c.name).where(environment.c.project_id == project_id)
    return set(connection.execute(query).scalars())


def count(connection: Connection, project_id: int) -> int:
    """Return how many environments a project has."""
    of_project = environment.c.project_id == project_id
    query = select(func.count()).select_from(environment).where(of_project)
    return connection.execute(query).scalar_one()


def add(connection: Connection, project_id: int, name: str, now: Micros) -> None:
    """Store an environment that is new."""
    values = {"project_id": project_id, "name": name, "first_seen_at": now}
    connection.execute(insert(environment).values(values))
