"""Holds the telemetry files that are open for writing, reads them, and sets damaged ones aside."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from bugsly_server.errors import Unavailable
from bugsly_server.store.damaged_files import DamagedContent, is_damage, set_aside
from bugsly_server.store.sqlite_connection import open_for_reading, open_for_writing, rewrite

MAX_OPEN_FILES = 8
STORED_TYPES = frozenset({int, bytes})
Parameters = Sequence[Any] | Mapping[str, Any]
T = TypeVar("T")


class DatabaseFiles:
    """Connections by path; the one used longest ago is closed where there are too many."""

    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._open: dict[Path, sqlite3.Connection] = {}
        self._lock = threading.Lock()

    @contextmanager
    def writing(self, path: Path) -> Iterator[sqlite3.Connection]:
        """Give *path* for the block; commit on success, roll back on error.

        Raises `Unavailable` where the file is damaged: it is set aside, and the next attempt finds
        a new one.
        """
        with self._lock:
            try:
                connection = self._connection(path)
                with _transaction(connection):
                    yield connection
            except sqlite3.DatabaseError as error:
                raise self._set_aside(path, _identity(path), error) from None

    def select(
        self,
        path: Path,
        query: str,
        parameter_sets: Iterable[Parameters],
        read: Callable[[tuple[Any, ...]], T],
    ) -> Iterator[T]:
        """Yield what *read* makes of each row; none any more once the file is removed.

        Raises `Unavailable` as `writing` does.
        """
        opened = _identity(path)
        connection = open_for_reading(path)
        if connection is None:
            return
        with closing(connection):
            try:
                for parameters in parameter_sets:
                    for row in connection.execute(query, parameters):
                        yield read(row)
            except sqlite3.DatabaseError as error:
                if path.exists():
                    with self._lock:
                        raise self._set_aside(path, opened, error) from None

    def rewrite(self, path: Path) -> None:
        """Write *path* anew, so that nothing that was deleted is left in it."""
        with self._lock:
            rewrite(self._connection(path))

    def drop(self, path: Path) -> None:
        """Remove *path* from the disk; a reader that has it open may finish."""
        with self._lock:
            self._close(path)
            for name in (path, *path.parent.glob(f"{path.name}-*")):
                name.unlink(missing_ok=True)

    def close(self) -> None:
        """Close every file."""
        with self._lock:
            for path in list(self._open):
                self._close(path)

    def _connection(self, path: Path) -> sqlite3.Connection:
        connection = self._open.pop(path, None)
        if connection is None:
            self._make(path)
            connection = open_for_writing(path)
        self._open[path] = connection
        while len(self._open) > MAX_OPEN_FILES:
            self._close(next(iter(self._open)))
        return connection

    def _close(self, path: Path) -> None:
        connection = self._open.pop(path, None)
        if connection is not None:
            connection.close()

    def _set_aside(self, path: Path, opened: int | None, error: sqlite3.DatabaseError) -> Exception:
        """Set *path* aside where *error* says that it is damaged; return what to raise.

        Where it is not any more what was *opened*, another thread has done so.
        """
        if not is_damage(error):
            return error
        if opened is not None and opened == _identity(path):
            set_aside(path, self._schema, error, lambda: self._close(path))
        return Unavailable(f"{path.name}: it is damaged and was set aside ({error}) → try again")

    def _make(self, path: Path) -> None:
        """Create *path* unless it exists; it appears with its tables, so no reader lacks them."""
        if path.exists():
            return
        unfinished = path.with_name(f"{path.name}-new")
        unfinished.unlink(missing_ok=True)
        with closing(open_for_writing(unfinished)) as connection:
            connection.executescript(self._schema)
        unfinished.rename(path)


def checked(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return *row*; raise `DamagedContent` where it holds what no column of ours does."""
    if not STORED_TYPES.issuperset(map(type, row)):
        raise DamagedContent("a row is not what was written")
    return row


def _identity(path: Path) -> int | None:
    """Return what tells a file from another of the same name; None where there is none."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
