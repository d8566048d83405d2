"""Feeds the pipeline from the spool, one batch after the other, and tends the store in between."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from bugsly_server.clock import DAY, HOUR, SECOND, Clock, Micros
from bugsly_server.errors import Unavailable
from bugsly_server.pipeline import Pipeline
from bugsly_server.store.ports import Entry, Spool

BATCH = 500
GATHER = 0.2
"""Seconds between two batches that are not full: fewer commits, and nobody sees the difference."""
IDLE = 1.0
STORE_PAUSE = 5.0
UNDIGESTED = "item that could not be digested"
ENTRYS_FAULT = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
)
"""What SQLite raises for a value that it does not take, whatever the state of the disk."""
TEND_EVERY: Micros = 10 * SECOND
FORGET_EVERY: Micros = HOUR

Publish = Callable[[set[int]], None]
Skipped = Counter[tuple[int, str]]


class Digester:
    """A `background.Step`. *skipped* is what ingest counts up; *publish* tells the pages."""

    def __init__(
        self,
        spool: Spool,
        pipeline: Pipeline,
        skipped: Skipped,
        publish: Publish,
        clock: Clock,
        keep_days: int,
    ) -> None:
        self._spool = spool
        self._pipeline = pipeline
        self._skipped = skipped
        self._publish = publish
        self._clock = clock
        self._keep: Micros = keep_days * DAY
        self._tended_at: Micros = 0
        self._forgot_at: Micros = 0
        self._counted: Skipped = Counter()
        self._batch: Sequence[Entry] = ()
        self._alone = 0

    def step(self) -> float:
        """Digest a batch if there is one; return the pause that lets the next one gather."""
        with _store_faults():
            self._batch = self._spool.lease(1 if self._alone else BATCH)
            now = self._batch[-1].received_at if self._batch else self._clock()
            amount = len(self._batch)
            changed = self._pipeline.digest(self._batch) if self._batch else set()
            self._settle()
            changed |= self._pipeline.find(now)
            if changed:
                self._publish(changed)
            self._tend(now)
        if amount == BATCH or self._alone:
            return 0.0
        if not amount:
            self._spool.wait(IDLE)
        return GATHER

    def failed(self, error: Exception) -> float:
        """Keep the batch for later where the store is at fault; else find the entry that is.

        The entries of a failed batch are digested one by one, and one that fails alone is
        dropped and counted, so that it cannot hold up those behind it.
        """
        if isinstance(error, Unavailable):
            self._spool.give_back()
            return STORE_PAUSE
        if len(self._batch) == 1:
            self._pipeline.skipped[self._batch[0].project_id, UNDIGESTED] += 1
            self._settle()
        elif self._batch:
            self._alone = len(self._batch)
            self._spool.give_back()
        return GATHER

    def _settle(self) -> None:
        if self._batch:
            self._spool.acknowledge(self._batch)
            self._alone = max(0, self._alone - len(self._batch))
            self._batch = ()

    def _tend(self, now: Micros) -> None:
        if now - self._tended_at >= TEND_EVERY:
            self._tended_at = now
            skipped = Counter(self._skipped)
            self._pipeline.tend(skipped - self._counted, now)
            self._counted = skipped
        if now - self._forgot_at >= FORGET_EVERY:
            self._forgot_at = now
            self._pipeline.forget(self._keep, now)


@contextmanager
def _store_faults() -> Iterator[None]:
    """Raise what is the fault of the disk or the database, and no entry's, as `Unavailable`."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        original = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(original, ENTRYS_FAULT):
            raise
        raise Unavailable(
            f"what was acknowledged cannot be digested ({original})"
            f" → it is kept, and tried again every {STORE_PAUSE:.0f} s; is the disk full?"
        ) from error
