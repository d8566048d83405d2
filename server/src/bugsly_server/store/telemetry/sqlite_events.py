"""`ports.EventStore` on SQLite: one file for each day, removed whole when it is old."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from bugsly_server.clock import DAY, Micros
from bugsly_server.errors import UnreadableRecord
from bugsly_server.store.compression import compress, decompress
from bugsly_server.store.ports import StoredEvent
from bugsly_server.store.size_retention import DatedFile
from bugsly_server.store.telemetry.database_files import DatabaseFiles, checked
from bugsly_server.store.telemetry.tiers import Tier

LOG = logging.getLogger("bugsly")
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
        rows = self._files.select(path, SELECT_BODIES, [()], tuple)
        found = [
            (row_id,)
            for row_id, grouping_id, body in rows
            if grouping_id in grouping_ids and is_erased(_body_or_nothing(body))
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
            sets = [{**parameters, "grouping": key} for key in grouping_ids]
            rows = self._files.select(path, query, sets, _event)
            yield [event for event in rows if event is not None]


def _has_log(path: Path) -> bool:
    """Return whether the log beside a file holds anything, as after an erasure that broke off."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _body_or_nothing(compressed: bytes) -> bytes:
    """Return a body, empty where it is damaged and so can no longer be shown."""
    try:
        return decompress(compressed)
    except UnreadableRecord:
        return b""


def _event(row: tuple[Any, ...]) -> StoredEvent | None:
    """Return the event in *row*; None where its body is damaged."""
    grouping_id, at, event_id, body = checked(row)
    try:
        return StoredEvent(grouping_id, at, event_id, decompress(body))
    except UnreadableRecord as error:
        LOG.warning("event %s: %s → it is left out", event_id.hex(), error)
        return None


def _order_key(event: StoredEvent) -> tuple[Micros, bytes]:
    return event.at, event.id
