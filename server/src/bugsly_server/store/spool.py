"""The spool on SQLite: one thread writes, and one commit serves all who wait for it."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bugsly_server.clock import Micros
from bugsly_server.errors import Unavailable
from bugsly_server.store.ports import SpoolEntry
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
ADD_COLUMN = "ALTER TABLE entry ADD COLUMN secret_hash TEXT"
"""In the spool of an earlier server."""
LEASE_BYTES = 4 * 1024 * 1024
"""A lease ends at this size, because a report takes many times its bytes once it is decoded."""
MIN_FREE_BYTES = 16 * 1024 * 1024
"""Of a file that is made smaller."""
MAX_COPIED_BYTES = 4 * 1024 * 1024
"""That still wait then: to make a file smaller is to copy them, and meanwhile clients wait."""
FULL_RETRY_SECONDS = 30
"""After which a client may try again while the disk is full."""


@dataclass(slots=True)
class _CommitRequest:
    """Entries to add in the next commit, which also deletes what is digested."""

    entries: Sequence[SpoolEntry] = ()
    future: asyncio.Future[None] | None = None
    erased: Sequence[int] = ()
    """Ids of entries to delete; the file is written anew then."""
    erasure: Future[None] | None = None


@dataclass(slots=True)
class _Waiters:
    """The futures of one event loop that a commit settles."""

    futures: list[asyncio.Future[None]] = field(default_factory=list)

    def settle(self, problem: Unavailable | None) -> None:
        for future in self.futures:
            if future.done():
                continue
            if problem is None:
                future.set_result(None)
            else:
                future.set_exception(problem)


class SqliteSpool:
    """See `ports.Spool`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = open_for_writing(path)
        self._writing.execute(f"PRAGMA journal_size_limit = {MIN_FREE_BYTES}")
        self._writing.execute(SCHEMA)
        columns = self._writing.execute("SELECT name FROM pragma_table_info('entry')")
        if ("secret_hash",) not in columns.fetchall():
            self._writing.execute(ADD_COLUMN)
        reading = open_for_reading(path)
        assert reading is not None, "it was made one line above"
        self._reading = reading
        self._depth = int(self._writing.execute("SELECT count(*) FROM entry").fetchone()[0])
        self._leased = 0
        self._digested = 0
        self._commit_requests: queue.SimpleQueue[_CommitRequest | None] = queue.SimpleQueue()
        self._arrived = threading.Event()
        self._thread = threading.Thread(target=self._write, name="spool", daemon=True)
        self._thread.start()

    def append(self, entries: Sequence[SpoolEntry]) -> asyncio.Future[None]:
        """See the port."""
        future = asyncio.get_running_loop().create_future()
        self._commit_requests.put(_CommitRequest(entries=entries, future=future))
        return future

    def lease(self, max_entries: int) -> Sequence[SpoolEntry]:
        """See the port."""
        rows = self._reading.execute(
            "SELECT project_id, received_at, kind, payload, id, secret_hash FROM entry"
            " WHERE id > ? ORDER BY id LIMIT ?",
            (self._leased, max_entries),
        )
        entries, size = [], 0
        with closing(rows):
            for row in rows:
                entries.append(SpoolEntry(*row))
                size += len(entries[-1].payload)
                if size >= LEASE_BYTES:
                    break
        if entries:
            self._leased = entries[-1].id
        return entries

    def acknowledge(self, entries: Sequence[SpoolEntry]) -> None:
        """See the port."""
        self._digested = max(self._digested, *(entry.id for entry in entries))
        self._commit_requests.put(_CommitRequest())

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
        connection = open_for_reading(self._path)
        assert connection is not None, "it is made at the start"
        with closing(connection):
            rows = connection.execute(SELECT_ALL, (self._digested,))
            found = [entry.id for entry in (SpoolEntry(*row) for row in rows) if is_erased(entry)]
        request = _CommitRequest(erased=found, erasure=Future())
        self._commit_requests.put(request)
        assert request.erasure is not None, "it was made above"
        request.erasure.result()
        return len(found)

    def oldest_received_at(self) -> Micros | None:
        """See the port."""
        connection = open_for_reading(self._path)
        assert connection is not None, "it is made at the start"
        with closing(connection):
            query = "SELECT received_at FROM entry WHERE id > ? ORDER BY id LIMIT 1"
            row = connection.execute(query, (self._digested,)).fetchone()
        return None if row is None else int(row[0])

    def close(self) -> None:
        """See the port."""
        self._commit_requests.put(None)
        self._thread.join()
        self._reading.close()
        self._writing.close()

    def _write(self) -> None:
        """Commit whatever has come in since the last commit, again and again."""
        closing = False
        while not closing:
            requests = [self._commit_requests.get()]
            while not self._commit_requests.empty():
                requests.append(self._commit_requests.get())
            closing = None in requests
            self._commit([order for order in requests if order is not None])
            with suppress(sqlite3.Error):
                self._shrink()

    def _shrink(self) -> None:
        """Give back the room that a backlog took, once few entries are left."""
        page_size, pages, free = (
            self._writing.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "page_count", "freelist_count")
        )
        if free * page_size < MIN_FREE_BYTES or (pages - free) * page_size > MAX_COPIED_BYTES:
            return
        self._writing.execute("VACUUM")
        try:
            self._writing.execute("PRAGMA busy_timeout = 0")
            self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._writing.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")

    def _commit(self, requests: Sequence[_CommitRequest]) -> None:
        entries = [entry for order in requests for entry in order.entries]
        problem = None
        try:
            erased = [one for order in requests for one in order.erased]
            self._depth += len(entries) - self._transact(entries, erased)
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
        _settle([order.future for order in requests if order.future is not None], problem)

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


def _settle(futures: Sequence[asyncio.Future[None]], problem: Unavailable | None) -> None:
    """Wake each loop once for all of its futures."""
    by_loop: dict[asyncio.AbstractEventLoop, _Waiters] = {}
    for future in futures:
        by_loop.setdefault(future.get_loop(), _Waiters()).futures.append(future)
    for loop, waiters in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(waiters.settle, problem)
