"""Does to the stores what is due with time: silent workers end, samples roll up, old data goes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bugsly_server.clock import DAY, Micros
from bugsly_server.model import units
from bugsly_server.pending_probe_requests import PendingProbeRequests
from bugsly_server.record.worker_exits import silent_exit_reason
from bugsly_server.store.meta import (
    counters,
    groupings,
    holders,
    llm_answers,
    probe_requests,
    projects,
    release_sessions,
    releases,
    workers,
)
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import TIME_BUCKET_RETENTION, EventStore, Telemetry
from bugsly_server.store.size_retention import choose_excess, measure_folder

LOG = logging.getLogger("bugsly")

EVENT_ID_RETENTION: Micros = 7 * DAY
"""Long after a client would send an event again."""


@dataclass(frozen=True, slots=True)
class StoreMaintenance:
    """Maintains the stores of a server that has listened since *started_at*."""

    database: Database
    telemetry: Telemetry
    events: EventStore
    pending_requests: PendingProbeRequests
    started_at: Micros

    def run(
        self, skipped: Counter[tuple[int, str]], kept_bytes: Mapping[int, int], now: Micros
    ) -> None:
        """Count what was *skipped* and kept, end silent workers, expire requests, roll up."""
        self.telemetry.roll_up(now)
        sent = self.pending_requests.sent_ids()
        with self.database.writing() as connection:
            counters.add(connection, skipped, now)
            counters.add_bytes(connection, kept_bytes, now)
            for project in projects.list_all(connection):
                self._end_silent_workers(connection, project.id, now)
            probe_requests.mark_sent(connection, sent, now)
            probe_requests.expire(connection, now)
            unsent = probe_requests.list_unsent(connection)
        self.pending_requests.replace_all(unsent)
        self.pending_requests.forget_sent(sent)

    def delete_expired(self, retention: Micros, now: Micros) -> bool:
        """Delete what is older than it is kept; return whether holders were among it."""
        self.telemetry.delete_expired(now)
        self.events.delete_expired(now)
        with self.database.writing() as connection:
            workers.delete_before(connection, now - retention)
            counters.delete_before(connection, now - retention)
            release_sessions.delete_before(connection, now - retention)
            groupings.delete_before(connection, now - EVENT_ID_RETENTION, now - retention)
            llm_answers.delete_before(connection, now - retention)
            deleted_holders = holders.delete_before(connection, now - TIME_BUCKET_RETENTION)
            for project in projects.list_all(connection):
                releases.delete_before(connection, project.id, now - retention)
        return bool(deleted_holders)

    def delete_excess(self, max_bytes: int, now: Micros) -> None:
        """Delete the oldest days of samples and events where the data folder is too big."""
        size = measure_folder(self.database.path.parent).total
        stores = (self.telemetry, self.events)
        files = {one: store for store in stores for one in store.dated_files()}
        excess = choose_excess(list(files), size - max_bytes, now)
        for file in excess:
            files[file].delete_file(file)
        if excess:
            LOG.warning(
                "data folder: %s, more than BUGSLY_KEEP_BYTES → its %d oldest files were deleted",
                units.size(size),
                len(excess),
            )

    def _end_silent_workers(self, connection: Connection, project_id: int, now: Micros) -> None:
        """End the workers that have been silent since they were seen, and since we listen."""
        living = workers.list_living(connection, project_id)
        for worker in living:
            if now - max(worker.seen_at, self.started_at) >= worker.silent_after:
                reason = silent_exit_reason(worker, living, now)
                if reason is not None:
                    ended = replace(worker, ended_at=worker.seen_at, exit_reason=reason)
                    workers.record_end(connection, ended)
