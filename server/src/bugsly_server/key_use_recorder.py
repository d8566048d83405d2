"""Stores when keys were last used, for the page that shows whether one can be revoked."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError

from bugsly_server.clock import Micros
from bugsly_server.errors import Unavailable
from bugsly_server.store.meta import project_keys
from bugsly_server.store.meta.database import Database

INTERVAL_SECONDS = 10.0


class KeyUseRecorder:
    """A `BackgroundTask`; *used_at* are the latest uses by key, which ingest notes."""

    def __init__(self, database: Database, used_at: Mapping[str, Micros]) -> None:
        self._database = database
        self._used_at = used_at
        self._stored: dict[str, Micros] = {}

    def run_once(self) -> float:
        """Store the uses that are new; return the pause until the next time."""
        noted = dict(self._used_at)
        new = dict(noted.items() - self._stored.items())
        if new:
            try:
                with self._database.writing() as connection:
                    project_keys.note_uses(connection, new)
            except DBAPIError as error:
                raise Unavailable(
                    f"when keys were last used cannot be stored ({error.orig})"
                    " → it is tried again; is the disk full?"
                ) from None
            self._stored = noted
        return INTERVAL_SECONDS

    def recover(self, _error: Exception) -> float:
        """Return the pause after which it is tried again."""
        return INTERVAL_SECONDS
