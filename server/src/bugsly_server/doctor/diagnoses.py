"""Where doctor gets its diagnoses from: the place production gets them from."""

from __future__ import annotations

from sqlalchemy import Connection

from bugsly_server.model.diagnosis import Diagnosis, Explanation

Found = tuple[Diagnosis, Explanation]


def load(connection: Connection, project_id: int) -> list[Found]:
    """Return what is known of why the workers of a project grow, the most telling first."""
    _ = connection, project_id
    return []
