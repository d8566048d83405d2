"""`bugsly dsn [PROJECT]`: the line that an agent reports to."""

from __future__ import annotations

import argparse

from bugsly_server.app import DataFolder
from bugsly_server.cli.option_values import settings_of
from bugsly_server.clock import now
from bugsly_server.settings import ServerSettings
from bugsly_server.store.meta import projects
from bugsly_server.web.setup import project_dsn


def main(parsed: argparse.Namespace) -> int:
    """Print it, and nothing else, so that a script can take it."""
    settings = settings_of(parsed)
    store = DataFolder(settings)
    with store.database.writing() as connection:
        project = projects.ensure(connection, parsed.project, now())
        public_key = projects.newest_key(connection, project.id)
    store.close()
    print(project_dsn(_server_address(settings), public_key, project.id))  # noqa: T201 - data, not talk
    return 0


def _server_address(settings: ServerSettings) -> str:
    """Return where the server of these settings is, or would be, reached."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - not bound
    return settings.public_url or f"http://{host}:{settings.port}"
