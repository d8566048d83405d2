"""Limits how many workers a project may have alive, and may start in a day."""

from __future__ import annotations

from sqlalchemy import Connection

from bugsly_server.clock import DAY, Micros
from bugsly_server.model.project_limits import STARTS_PER_WORKER
from bugsly_server.store.meta import workers


class WorkerLimit:
    """Counts the workers of each project that were stored today; *max_workers* may be alive."""

    def __init__(self, max_workers: int) -> None:
        self._max_workers = max_workers
        self._started: dict[int, tuple[int, int]] = {}

    def free(self, connection: Connection, project_id: int, now: Micros) -> int:
        """Return how many new workers of a project may be stored now."""
        day, started = self._started.get(project_id, (-1, 0))
        if day != now // DAY:
            started = workers.count_started(connection, project_id, now - now % DAY)
            self._started[project_id] = now // DAY, started
        alive = self._max_workers - workers.count_living(connection, project_id)
        return max(0, min(alive, self._max_workers * STARTS_PER_WORKER - started))

    def add(self, project_id: int, amount: int, now: Micros) -> None:
        """Count *amount* workers that were stored."""
        _, started = self._started[project_id]
        self._started[project_id] = now // DAY, started + amount
