"""Stores projects; each has keys of both kinds from the start."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from bugsly_server.clock import Micros
from bugsly_server.errors import Misconfigured
from bugsly_server.model.project_key import ProjectKeyKind
from bugsly_server.store.meta import project_keys
from bugsly_server.store.meta.tables import project

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MAX_SLUG_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Project:
    """One application whose workers are watched."""

    id: int
    slug: str
    name: str
    secrets: str
    """Names of keys whose values are removed from events, one per line."""
    created_at: Micros


def list_all(connection: Connection) -> list[Project]:
    """Return all projects by name."""
    rows = connection.execute(select(project).order_by(project.c.name, project.c.id))
    return [Project(**row._mapping) for row in rows]


def by_slug(connection: Connection, slug: str) -> Project | None:
    """Return the project called *slug*."""
    row = connection.execute(select(project).where(project.c.slug == slug)).one_or_none()
    return None if row is None else Project(**row._mapping)


def get(connection: Connection, project_id: int) -> Project:
    """Return a project that is known to exist."""
    row = connection.execute(select(project).where(project.c.id == project_id)).one()
    return Project(**row._mapping)


def ensure(connection: Connection, slug: str, now: Micros) -> Project:
    """Return the project called *slug*, made now with a key of each kind if there is none."""
    if not SLUG.fullmatch(slug) or len(slug) > MAX_SLUG_LENGTH:
        raise Misconfigured(
            f"project: {slug!r} is no name for one → use letters a to z, digits and hyphens"
        )
    found = by_slug(connection, slug)
    if found is not None:
        return found
    made = connection.execute(
        insert(project).values(slug=slug, name=slug, created_at=now).returning(project.c.id)
    ).scalar_one()
    for kind in ProjectKeyKind:
        project_keys.add(connection, made, kind, now)
    return Project(made, slug, slug, "", now)


def parse_secret_names(text: str) -> tuple[str, ...]:
    """Return the names in *text*, one per line."""
    return tuple(name.strip() for name in text.splitlines() if name.strip())


def secret_names_by_project(connection: Connection) -> dict[int, tuple[str, ...]]:
    """Return the additional secret names of each project that has any."""
    rows = connection.execute(select(project.c.id, project.c.secrets))
    return {row.id: parse_secret_names(row.secrets) for row in rows if row.secrets}


def set_secret_names(connection: Connection, project_id: int, text: str) -> None:
    """Store the additional secret names of a project, one per line."""
    condition = project.c.id == project_id
    connection.execute(update(project).where(condition).values(secrets=text))
