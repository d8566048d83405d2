"""`ports.EventStore` on SQLite: one file for each day, removed whole when it is old."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path

from bugsly_server.clock import DAY, Micros
from bugsly_server.store.compression import compress, decompress
from bugsly_server.store.ports import StoredEvent
from bugsly_server.store.size_retention import DatedFile
from bugsly_server.store.sqlite_connection import open_for_reading
from bugsly_server.store.telemetry.database_files import DatabaseFiles
from bugsly_server.store.telemetry.tiers import Tier

SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    grouping_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    id BLOB NOT NULL,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS event_place ON event (grouping_id, at, id);
"""
INSERT = "INSERT OR IGNORE INTO event (grouping_id, at, id, body) VALUES (?, ?, ?, ?)"
SELECT = "SELECT grouping_id, at, id, body FROM event WHERE grouping_id = :grouping"
SELECT_BODIES = "SELECT rowid, grouping_id, body FROM event"
DELETE = "DELETE FROM event WHERE rowid = ?"
GET = f"{SELECT} AND id = :id LIMIT 1"
NEWEST = f"{SELECT} ORDER BY at DESC, id DESC LIMIT :most"
BEFORE = f"{SELECT} AND (at, id) < (:at, :id) ORDER BY at DESC, id DESC LIMIT 1"
AFTER = f"{SELECT} AND (at, id) > (:at, :id) ORDER BY at, id LIMIT 1"


class SqliteEventStore:
    """See the port. One thread writes; any thread reads."""

    def __init__(self, folder: Path, keep_days: int) -> None:
        self._folder = folder
        self._days = Tier("events", 0, 0, keep_days * DAY, "%Y-%m-%d")
        self._files = DatabaseFiles(SCHEMA)

    def write(self, events: Sequence[StoredEvent]) -> None:
        """See the port."""
        ordered = sorted(events, key=lambda event: event.at)
        for day, members in groupby(ordered, lambda event: event.at // DAY):
            rows = [(*one[:3], compress(one.body)) for one in members]
            with self._files.writing(self._days.file(self._folder, day * DAY)) as connection:
                connection.executemany(INSERT, rows)

    def get(self, grouping_ids: Sequence[int], event_id: bytes) -> StoredEvent | None:
        """See the port."""
        found = self._search(GET, grouping_ids, {"id": event_id})
        return next((one for day in found for one in day), None)

    def newest(self, grouping_ids: Sequence[int], limit: int) -> list[StoredEvent]:
        """See the port."""
        found: list[StoredEvent] = []
        for day in self._search(NEWEST, grouping_ids, {"most": limit}):
            found += sorted(day, key=_order_key, reverse=True)
            if len(found) >= limit:
                break
        return found[:limit]

    def before(self, grouping_ids: Sequence[int], event: StoredEvent) -> StoredEvent | None:
        """See the port."""
        parameters = {"at": event.at, "id": event.id}
        days = (day for day in self._search(BEFORE, grouping_ids, parameters) if day)
        return max(next(days, []), key=_order_key, default=None)

    def after(self, grouping_ids: Sequence[int], event: StoredEvent) -> StoredEvent | None:
        """See the port."""
        parameters = {"at": event.at, "id": event.id}
        days = (day for day in self._search(AFTER, grouping_ids, parameters, forward=True) if day)
        return min(next(days, []), key=_order_key, default=None)

    def erase(self, grouping_ids: Collection[int], is_erased: Callable[[bytes], bool]) -> int:
        """See the port."""
        return sum(
            self._erase_in_file(path, grouping_ids, is_erased)
            for path in self._days.files(self._folder)
        )

    def _erase_in_file(
        self, path: Path, grouping_ids: Collection[int], is_erased: Callable[[bytes], bool]
    ) -> int:
        connection = open_for_reading(path)
        if connection is None:
            return 0
        with closing(connection):
            found = [
                (row_id,)
                for row_id, grouping_id, body in connection.execute(SELECT_BODIES)
                if grouping_id in grouping_ids and is_erased(decompress(body))
            ]
        if found:
            with self._files.writing(path) as writing:
                writing.executemany(DELETE, found)
        if found or _has_log(path):
            self._files.rewrite(path)
        return len(found)

    def delete_expired(self, now: Micros) -> int:
        """See the port."""
        oldest = self._days.file(self._folder, now - self._days.retention).name
        gone = 0
        for path in sorted((self._folder / self._days.name).glob("*.db*")):
            if path.name < oldest:
                gone += path.suffix == ".db"
                self._files.drop(path)
        return gone

    def dated_files(self) -> list[DatedFile]:
        """See the port."""
        return self._days.dated_files(self._folder)

    def delete_file(self, file: DatedFile) -> None:
        """See the port."""
        self._files.drop(file.path)

    def close(self) -> None:
        """See the port."""
        self._files.close()

    def _search(
        self,
        query: str,
        grouping_ids: Sequence[int],
        parameters: dict[str, object],
        *,
        forward: bool = False,
    ) -> Iterator[list[StoredEvent]]:
        """Yield what each day has, newest day first or, *forward*, oldest day first."""
        days = self._days.files(self._folder)
        at = parameters.get("at")
        for path in days if forward else reversed(days):
            begin = self._days.begin(path)
            if isinstance(at, int) and (begin + DAY <= at if forward else begin > at):
                continue
            yield [one for key in grouping_ids for one in _select(path, query, key, parameters)]


def _has_log(path: Path) -> bool:
    """Return whether the log beside a file holds anything, as after an erasure that broke off."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _select(
    path: Path, query: str, grouping_id: int, parameters: dict[str, object]
) -> list[StoredEvent]:
    """Return the rows of one file; none if it was removed meanwhile."""
    connection = open_for_reading(path)
    if connection is None:
        return []
    with closing(connection):
        try:
            rows = connection.execute(query, {**parameters, "grouping": grouping_id}).fetchall()
        except sqlite3.OperationalError:
            if path.exists():
                raise
            return []
    return [StoredEvent(key, at, id_, decompress(body)) for key, at, id_, body in rows]


def _order_key(event: StoredEvent) -> tuple[Micros, bytes]:
    return event.at, event.id
