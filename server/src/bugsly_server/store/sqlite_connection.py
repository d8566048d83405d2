"""Opens SQLite files, all in the same way."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bugsly_server.errors import Unavailable
from bugsly_server.store.private_files import create_private, create_private_folder

BUSY_MILLISECONDS = 10_000


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open *path*, creating it if needed, so that a commit survives a power cut.

    WAL lets readers go on while one writes; synchronous=FULL syncs it at each commit.
    """
    create_private_folder(path.parent)
    create_private(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def rewrite(connection: sqlite3.Connection) -> None:
    """Write the file of *connection* anew, so that nothing that was deleted is left in it.

    Raises `Unavailable` where the disk has no room for that, or a reader keeps the log beside the
    file from being emptied.
    """
    try:
        connection.execute("VACUUM")
        is_busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        raise Unavailable(
            f"data folder: a file cannot be written anew ({error}) → make room, and try again"
        ) from None
    if is_busy:
        raise Unavailable("data folder: a file is being read all the time → try again in a moment")


def open_for_reading(path: Path) -> sqlite3.Connection | None:
    """Open *path* to read from any thread; None where there is no such file."""
    try:
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    except sqlite3.OperationalError:
        return None
    return connection
