"""Feeds the pipeline from the spool, batch by batch, and schedules detection and maintenance."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from bugsly_server.clock import DAY, HOUR, SECOND, Clock, Micros, has_passed
from bugsly_server.erasure import DigestTurns
from bugsly_server.errors import Unavailable
from bugsly_server.pipeline import Pipeline
from bugsly_server.store.damaged_files import is_damage
from bugsly_server.store.ports import Spool, SpoolEntry

BATCH_SIZE = 500
GATHER_SECONDS = 0.2
"""Between two batches that are not full: fewer commits, and no delay that a person notices."""
IDLE_SECONDS = 1.0
STORE_PAUSE_SECONDS = 5.0
UNDIGESTED = "item that could not be digested"
ENTRY_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
)
"""What SQLite raises for a value that it does not accept, whatever the state of the disk."""
MAINTENANCE_INTERVAL: Micros = 10 * SECOND
RETENTION_INTERVAL: Micros = HOUR

Publish = Callable[[set[int]], None]
SkippedCounts = Counter[tuple[int, str]]
IntakeCounts = tuple[SkippedCounts, Counter[int]]
"""What ingest did not keep, by project and reason, and the bytes that it kept, by project."""


class Digester:
    """A `BackgroundTask`; ingest counts up *intake*, *publish* updates the pages of projects."""

    def __init__(
        self,
        spool: Spool,
        pipeline: Pipeline,
        intake: IntakeCounts,
        publish: Publish,
        clock: Clock,
        keep_days: int,
    ) -> None:
        self.turns = DigestTurns()
        """Taken while anything is leased."""
        self._spool = spool
        self._pipeline = pipeline
        self._intake = intake
        self._publish = publish
        self._clock = clock
        self._retention: Micros = keep_days * DAY
        self._maintained_at: Micros = 0
        self._retention_applied_at: Micros = 0
        self._counted: IntakeCounts = (Counter(), Counter())
        self._batch: Sequence[SpoolEntry] = ()
        self._single_entries_left = 0

    def run_once(self) -> float:
        """Digest a batch if there is one; return the pause in which the next one gathers."""
        with self.turns, _store_errors_as_unavailable():
            self._batch = self._spool.lease(1 if self._single_entries_left else BATCH_SIZE)
            now = self._batch[-1].received_at if self._batch else self._clock()
            amount = len(self._batch)
            changed = self._pipeline.digest(self._batch) if self._batch else set()
            self._acknowledge_batch()
            changed |= self._pipeline.detect(now)
            if changed:
                self._publish(changed)
            self._maintain(now)
        if amount == BATCH_SIZE or self._single_entries_left:
            return 0.0
        if not amount:
            self._spool.wait(IDLE_SECONDS)
        return GATHER_SECONDS

    def recover(self, error: Exception) -> float:
        """Keep the batch for later where the store is at fault; else look for the entry that is.

        The entries of a failed batch are digested one by one, and one that fails alone is
        dropped and counted, so that it cannot hold up those behind it.
        """
        if isinstance(error, Unavailable):
            self._spool.release_leases()
            return STORE_PAUSE_SECONDS
        if len(self._batch) == 1:
            self._pipeline.skipped[self._batch[0].project_id, UNDIGESTED] += 1
            self._acknowledge_batch()
        elif self._batch:
            self._single_entries_left = len(self._batch)
            self._spool.release_leases()
        return GATHER_SECONDS

    def _acknowledge_batch(self) -> None:
        if self._batch:
            self._spool.acknowledge(self._batch)
            self._single_entries_left = max(0, self._single_entries_left - len(self._batch))
            self._batch = ()

    def _maintain(self, now: Micros) -> None:
        if has_passed(MAINTENANCE_INTERVAL, self._maintained_at, now):
            self._maintained_at = now
            skipped, kept_bytes = Counter(self._intake[0]), Counter(self._intake[1])
            self._pipeline.maintain(skipped - self._counted[0], kept_bytes - self._counted[1], now)
            self._counted = skipped, kept_bytes
        if has_passed(RETENTION_INTERVAL, self._retention_applied_at, now):
            self._retention_applied_at = now
            self._pipeline.apply_retention(self._retention, now)


@contextmanager
def _store_errors_as_unavailable() -> Iterator[None]:
    """Raise errors of the disk or the database, as opposed to an entry's, as `Unavailable`."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        original = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(original, ENTRY_ERRORS):
            raise
        if is_damage(original):
            raise Unavailable(
                f"meta.db is damaged ({original}) → stop the server and restore it from a backup"
                " (docs/storage.md); what was acknowledged meanwhile is kept"
            ) from error
        raise Unavailable(
            f"what was acknowledged cannot be digested ({original})"
            f" → it is kept, and tried again every {STORE_PAUSE_SECONDS:.0f} s; is the disk full?"
        ) from error
