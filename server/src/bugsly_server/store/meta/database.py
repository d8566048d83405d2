"""Opens, migrates, reads and writes the database of meta."""

from __future__ import annotations

import fcntl
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from bugsly_server.errors import Misconfigured
from bugsly_server.store.damaged_files import check_not_emptied
from bugsly_server.store.private_files import (
    create_private,
    create_private_folder,
    private_opener,
)
from bugsly_server.store.sqlite_connection import BUSY_MILLISECONDS, rewrite

MIGRATIONS = Path(__file__).parents[1] / "migrations"
HEAD_REVISION = "0011"


class Database:
    """Gives connections: many may read, one at a time may write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = _engine(path)
        self._writer = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database for the whole block."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold the write lock for the block; commit on success, roll back on error."""
        with self._writer, self._engine.connect() as connection:
            writing = connection.execution_options(bugsly_writing=True)
            with writing.begin():
                yield writing

    def rewrite(self) -> None:
        """Write the file anew, so that nothing that was deleted is left in it."""
        with self._writer, closing(self._engine.raw_connection()) as pooled:
            driver = pooled.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            rewrite(driver)

    def migrate(self) -> None:
        """Bring the schema to `HEAD_REVISION`; safe to call from several processes at once.

        Raises `Misconfigured` where a newer Bugsly has migrated it further, and an error of SQLite
        where it is damaged: an emptied file would make a server without an owner.
        """
        create_private_folder(self.path.parent)
        if self.path.with_name("spool.db").exists():
            check_not_emptied(self.path)
        create_private(self.path)
        with open(self.path.with_suffix(".lock"), "w", opener=private_opener) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.version() != HEAD_REVISION:
                self._upgrade()

    def version(self) -> str | None:
        """Return the revision of the schema, None for an empty database."""
        try:
            with self.reading() as connection:
                found = connection.execute(text("SELECT version_num FROM alembic_version"))
                return found.scalar_one_or_none()
        except OperationalError:
            return None

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def _upgrade(self) -> None:
        logging.getLogger("alembic").setLevel(logging.WARNING)  # at INFO it lists its plugins
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        with self.writing() as connection:
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError:
                raise Misconfigured(
                    f"{self.path}: a newer Bugsly has written it"
                    " → install that one again, or choose another folder with --data-dir"
                ) from None


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        """Take the write lock first: SQLite cannot upgrade a read that others have overtaken."""
        writing = connection.get_execution_options().get("bugsly_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine
