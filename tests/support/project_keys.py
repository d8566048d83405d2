"""Keys of projects as values."""

from typing import Any

from tests.support.clock import START

from bugsly_server.model.project_key import ProjectKey, ProjectKeyKind


def project_key(kind: ProjectKeyKind = ProjectKeyKind.AGENT, **facts: Any) -> ProjectKey:
    """Return a key of project 1 that no page may use, unless *facts* say otherwise."""
    known: dict[str, Any] = {
        "public": "0123456789abcdef0123456789abcdef",
        "project_id": 1,
        "name": "",
        "origins": (),
        "created_at": START,
        "ends_at": None,
        "used_at": None,
    }
    return ProjectKey(kind=kind, **known | facts)
