"""`bugsly dsn [PROJECT]`: the line that an agent reports to."""

from __future__ import annotations

import argparse

from bugsly_server.app import Store
from bugsly_server.cli.given import settings_of
from bugsly_server.clock import now
from bugsly_server.settings import Settings
from bugsly_server.store.meta import projects
from bugsly_server.web.setup import dsn


def act(parsed: argparse.Namespace) -> int:
    """Print it, and nothing else, so that a script can take it."""
    settings = settings_of(parsed)
    store = Store(settings)
    with store.database.writing() as connection:
        made = projects.ensure(connection, parsed.project, now())
        key = projects.key_of(connection, made.id)
    store.close()
    print(dsn(_address(settings), key, made.id))  # noqa: T201 - data, not talk
    return 0


def _address(settings: Settings) -> str:
    """Return where the server of these settings is, or would be, reached."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - not bound
    return settings.public_url or f"http://{host}:{settings.port}"
