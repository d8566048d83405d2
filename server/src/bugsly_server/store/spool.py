"""The spool on SQLite: one thread writes, and one commit serves all who wait for it."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TypeVar

from bugsly_server.clock import Micros
from bugsly_server.errors import Unavailable
from bugsly_server.store.damaged_files import (
    DamagedContent,
    check_not_emptied,
    is_damage,
    set_aside,
)
from bugsly_server.store.ports import SpoolEntry
from bugsly_server.store.spool_commits import CommitRequest, settle_futures
from bugsly_server.store.sqlite_connection import (
    BUSY_MILLISECONDS,
    open_for_reading,
    open_for_writing,
    rewrite,
)

SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    secret_hash TEXT
)
"""
SELECT_ALL = "SELECT project_id, received_at, kind, payload, id FROM entry WHERE id > ?"
T = TypeVar("T")
ENTRY_TYPES = (int, int, str, bytes, int, str | None)
ADD_COLUMN = "ALTER TABLE entry ADD COLUMN secret_hash TEXT"
"""In the spool of an earlier server."""
LEASE_BYTES = 4 * 1024 * 1024
"""A lease ends at this size, because a report takes many times its bytes once it is decoded."""
MIN_FREE_BYTES = 16 * 1024 * 1024
"""Of a file that is made smaller."""
MAX_COPIED_BYTES = 4 * 1024 * 1024
"""That still wait then: to make a file smaller is to copy them, and meanwhile clients wait."""
TRUNCATE_RETRY_SECONDS = 1.0
FULL_RETRY_SECONDS = 30
"""After which a client may try again while the disk is full."""


class SqliteSpool:
    """See `ports.Spool`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._leased = 0
        self._digested = 0
        self._is_log_large = False
        """Whether the log waits to be emptied: a reader can be in the way."""
        self._lock = threading.Lock()
        """Held while entries are read, and while the file is replaced."""
        self._damage: sqlite3.DatabaseError | None = None
        """What the reader met; the thread that writes replaces the file."""
        self._connections = ExitStack()
        with ExitStack() as failed:
            failed.callback(self._connections.close)
            self._in_sound_file(self._open)
            failed.pop_all()
        self._commit_requests: queue.SimpleQueue[CommitRequest | None] = queue.SimpleQueue()
        self._arrived = threading.Event()
        self._thread = threading.Thread(target=self._write, name="spool", daemon=True)
        self._thread.start()

    def append(self, entries: Sequence[SpoolEntry]) -> asyncio.Future[None]:
        """See the port."""
        future = asyncio.get_running_loop().create_future()
        self._commit_requests.put(CommitRequest(entries=entries, future=future))
        return future

    def lease(self, max_entries: int) -> Sequence[SpoolEntry]:
        """See the port. Where the file is damaged, there are none until it is set aside."""
        with self._lock:
            try:
                entries = self._read_entries(max_entries)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                self._damage = error
                entries = []
        if self._damage is not None:
            self._commit_requests.put(CommitRequest())
        if entries:
            self._leased = entries[-1].id
        return entries

    def acknowledge(self, entries: Sequence[SpoolEntry]) -> None:
        """See the port."""
        self._digested = max(self._digested, *(entry.id for entry in entries))
        self._commit_requests.put(CommitRequest())

    def release_leases(self) -> None:
        """See the port."""
        self._leased = self._digested

    def wait(self, timeout: float) -> None:
        """See the port."""
        self._arrived.wait(timeout)
        self._arrived.clear()

    def depth(self) -> int:
        """See the port."""
        return self._depth

    def erase(self, is_erased: Callable[[SpoolEntry], bool]) -> int:
        """See the port."""
        with closing(self._open_apart()) as connection:
            rows = connection.execute(SELECT_ALL, (self._digested,))
            found = [entry.id for entry in (SpoolEntry(*row) for row in rows) if is_erased(entry)]
        request = CommitRequest(erased=found, erasure=Future())
        self._commit_requests.put(request)
        assert request.erasure is not None, "it was made above"
        request.erasure.result()
        return len(found)

    def oldest_received_at(self) -> Micros | None:
        """See the port."""
        query = "SELECT received_at FROM entry WHERE id > ? ORDER BY id LIMIT 1"
        with closing(self._open_apart()) as connection:
            row = connection.execute(query, (self._digested,)).fetchone()
        return None if row is None else int(row[0])

    def _open_apart(self) -> sqlite3.Connection:
        """Return a connection of the caller's own: another thread has the others."""
        connection = open_for_reading(self._path)
        if connection is None:
            raise Unavailable(f"{self._path.name}: is missing → restart the server")
        return connection

    def close(self) -> None:
        """See the port."""
        self._commit_requests.put(None)
        self._thread.join()
        self._connections.close()

    def _in_sound_file(self, use: Callable[[], T]) -> T:
        """Return what *use* returns; in a new file where this one is damaged."""
        try:
            return use()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self._replace_file(error)
            return use()

    def _open(self) -> None:
        """Open the file, which may be open already."""
        self._connections.close()
        check_not_emptied(self._path)
        self._writing = self._connections.enter_context(closing(open_for_writing(self._path)))
        self._writing.execute(f"PRAGMA journal_size_limit = {MIN_FREE_BYTES}")
        self._writing.execute(SCHEMA)
        columns = self._writing.execute("SELECT name FROM pragma_table_info('entry')")
        if ("secret_hash",) not in columns.fetchall():
            self._writing.execute(ADD_COLUMN)
        self._depth = int(self._writing.execute("SELECT count(*) FROM entry").fetchone()[0])
        reading = open_for_reading(self._path)
        assert reading is not None, "it was made a few lines above"
        self._reading = self._connections.enter_context(closing(reading))

    def _replace_file(self, error: sqlite3.DatabaseError) -> None:
        """Set the damaged file aside, and go on with what is rescued of it and with later ids."""
        with self._lock:
            set_aside(self._path, SCHEMA, error, self._connections.close)
            self._open()
            self._damage = None
        last = max(self._leased, self._digested)
        self._writing.execute("DELETE FROM sqlite_sequence WHERE seq <= ?", (last,))
        self._writing.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'entry', ? "
            "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence)",
            (last,),
        )

    def _read_entries(self, max_entries: int) -> list[SpoolEntry]:
        rows = self._reading.execute(
            "SELECT project_id, received_at, kind, payload, id, secret_hash FROM entry"
            " WHERE id > ? ORDER BY id LIMIT ?",
            (self._leased, max_entries),
        )
        entries, size = [], 0
        with closing(rows):
            for row in rows:
                if not all(map(isinstance, row, ENTRY_TYPES)):
                    raise DamagedContent("an entry is not what was written")
                entries.append(SpoolEntry(*row))
                size += len(entries[-1].payload)
                if size >= LEASE_BYTES:
                    break
        return entries

    def _write(self) -> None:
        """Commit whatever has come in since the last commit, again and again."""
        closing = False
        while not closing:
            requests = self._next_requests()
            closing = None in requests
            self._commit([order for order in requests if order is not None])
            with suppress(sqlite3.Error):
                self._shrink()

    def _next_requests(self) -> list[CommitRequest | None]:
        """Return what has come in; nothing after a while in which the log waits to be emptied."""
        pause = TRUNCATE_RETRY_SECONDS if self._is_log_large else None
        requests: list[CommitRequest | None] = []
        with suppress(queue.Empty):
            requests.append(self._commit_requests.get(timeout=pause))
        while not self._commit_requests.empty():
            requests.append(self._commit_requests.get())
        return requests

    def _shrink(self) -> None:
        """Give back the room that a backlog took, once few entries are left."""
        page_size, pages, free = (
            self._writing.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count")
        )
        if free * page_size >= MIN_FREE_BYTES and (pages - free) * page_size <= MAX_COPIED_BYTES:
            self._writing.execute("VACUUM")
            self._is_log_large = True
        if self._is_log_large:
            self._truncate_log()

    def _truncate_log(self) -> None:
        """Empty the log that the vacuum filled, unless somebody reads from it just now."""
        try:
            self._writing.execute("PRAGMA busy_timeout = 0")
            is_busy = self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            self._is_log_large = bool(is_busy)
        finally:
            self._writing.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")

    def _commit(self, requests: Sequence[CommitRequest]) -> None:
        entries = [entry for order in requests for entry in order.entries]
        problem = None
        try:
            if self._damage is not None:
                self._replace_file(self._damage)
            erased = [one for order in requests for one in order.erased]
            deleted = self._in_sound_file(lambda: self._transact(entries, erased))
            self._depth += len(entries) - deleted
        except sqlite3.Error as error:
            problem = Unavailable(
                f"server: cannot keep what was sent ({error})"
                " → send it again later; it is taken once there is room on the server's disk",
                FULL_RETRY_SECONDS,
            )
        if entries and problem is None:
            self._arrived.set()
        for erasure in [order.erasure for order in requests if order.erasure is not None]:
            self._finish_erasure(erasure, problem)
        settle_futures([order.future for order in requests if order.future is not None], problem)

    def _finish_erasure(self, erasure: Future[None], problem: Unavailable | None) -> None:
        """Write the file anew, and say so."""
        try:
            if problem is not None:
                raise problem
            rewrite(self._writing)
        except (sqlite3.Error, Unavailable) as error:
            erasure.set_exception(error)
        else:
            erasure.set_result(None)

    def _transact(self, entries: Sequence[SpoolEntry], erased: Sequence[int]) -> int:
        """Add *entries*, delete what is digested or *erased*; return how many were deleted."""
        digested = (self._digested,)
        self._writing.execute("BEGIN IMMEDIATE")
        try:
            deleted = self._writing.execute("DELETE FROM entry WHERE id <= ?", digested).rowcount
            for entry_id in erased:
                gone = self._writing.execute("DELETE FROM entry WHERE id = ?", (entry_id,))
                deleted += gone.rowcount
            self._writing.executemany(
                "INSERT INTO entry (project_id, received_at, kind, payload, secret_hash)"
                " VALUES (?, ?, ?, ?, ?)",
                [(*entry[:4], entry.secret_hash) for entry in entries],
            )
            self._writing.execute("COMMIT")
        except sqlite3.Error:
            if self._writing.in_transaction:
                self._writing.execute("ROLLBACK")
            raise
        return deleted
