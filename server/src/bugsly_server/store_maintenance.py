"""Does to the stores what is due with time: silent workers end, samples roll up, old data goes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from bugsly_server.clock import DAY, Clock, ClockWatch, Micros, is_ahead
from bugsly_server.model import units
from bugsly_server.pending_probe_requests import PendingProbeRequests
from bugsly_server.record.worker_exits import silent_exit_reason
from bugsly_server.store.meta import (
    accounts,
    counters,
    forgetting,
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


class StoreMaintenance:
    """Maintains the stores of a server that listens from now on."""

    def __init__(
        self,
        database: Database,
        telemetry: Telemetry,
        events: EventStore,
        pending_requests: PendingProbeRequests,
        clock: Clock,
    ) -> None:
        self.database = database
        self.telemetry = telemetry
        self.events = events
        self.pending_requests = pending_requests
        self._clock = clock
        self._clock_watch = ClockWatch(clock)
        self._forgot_at = clock.steady()

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
        horizon = self._advance_horizon(now)
        self.telemetry.delete_expired(horizon)
        self.events.delete_expired(horizon)
        oldest = horizon - retention
        with self.database.writing() as connection:
            workers.delete_before(connection, oldest)
            counters.delete_before(connection, oldest)
            release_sessions.delete_before(connection, oldest)
            groupings.delete_before(connection, horizon - EVENT_ID_RETENTION, oldest)
            llm_answers.delete_before(connection, oldest)
            accounts.delete_expired(connection, horizon)
            deleted_holders = holders.delete_before(connection, horizon - TIME_BUCKET_RETENTION)
            for project in projects.list_all(connection):
                releases.delete_before(connection, project.id, oldest)
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

    def _advance_horizon(self, now: Micros) -> Micros:
        steady = self._clock.steady()
        with self.database.writing() as connection:
            horizon = forgetting.advance_horizon(connection, now, steady - self._forgot_at)
        self._forgot_at = steady
        return horizon

    def _end_silent_workers(self, connection: Connection, project_id: int, now: Micros) -> None:
        """End the workers that have been silent since they were seen, and since we listen."""
        living = workers.list_living(connection, project_id)
        listening_since = self._clock_watch.undisturbed_since()
        for worker in living:
            seen_at = 0 if is_ahead(worker.seen_at, now) else worker.seen_at
            if now - max(seen_at, listening_since) >= worker.silent_after:
                reason = silent_exit_reason(worker, living, now)
                if reason is not None:
                    ended_at = min(worker.seen_at, now)
                    ended = replace(worker, ended_at=ended_at, exit_reason=reason)
                    workers.record_end(connection, ended)
