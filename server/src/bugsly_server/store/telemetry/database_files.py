"""Holds the telemetry files that are open for writing: a few at a time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bugsly_server.store.sqlite_connection import open_for_writing, rewrite

MAX_OPEN_FILES = 8


class DatabaseFiles:
    """Connections by path; the one used longest ago is closed where there are too many."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._open: dict[Path, sqlite3.Connection] = {}
        self._lock = threading.Lock()

    @contextmanager
    def writing(self, path: Path) -> Iterator[sqlite3.Connection]:
        """Give *path* for the block; commit on success, roll back on error."""
        with self._lock:
            connection = self._connection(path)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def rewrite(self, path: Path) -> None:
        """Write *path* anew, so that nothing that was deleted is left in it."""
        with self._lock:
            rewrite(self._connection(path))

    def drop(self, path: Path) -> None:
        """Remove *path* from the disk; a reader that has it open may finish."""
        with self._lock:
            connection = self._open.pop(path, None)
            if connection is not None:
                connection.close()
            for name in (path, *path.parent.glob(f"{path.name}-*")):
                name.unlink(missing_ok=True)

    def close(self) -> None:
        """Close every file."""
        with self._lock:
            for connection in self._open.values():
                connection.close()
            self._open.clear()

    def _connection(self, path: Path) -> sqlite3.Connection:
        connection = self._open.pop(path, None)
        if connection is None:
            self._make(path)
            connection = open_for_writing(path)
        self._open[path] = connection
        while len(self._open) > MAX_OPEN_FILES:
            oldest = next(iter(self._open))
            self._open.pop(oldest).close()
        return connection

    def _make(self, path: Path) -> None:
        """Create *path* unless it exists; it appears with its tables, so no reader lacks them."""
        if path.exists():
            return
        unfinished = path.with_name(f"{path.name}-new")
        unfinished.unlink(missing_ok=True)
        with closing(open_for_writing(unfinished)) as connection:
            connection.executescript(self._schema)
        unfinished.rename(path)
