"""Opens and resolves the issue of a project whose workers cannot be recycled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bugsly_server.clock import Micros
from bugsly_server.detect.hindrance_lifecycle import (
    HindrancePeriod,
    next_hindrance_change,
    next_period,
)
from bugsly_server.issue_changes import record_hindrance_change
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import IssueChange
from bugsly_server.model.recycling import lasting_hindrances
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import hindrance_issues
from bugsly_server.store.meta.database import Database


class RecyclingMonitor:
    """Checks one project at a time; calls *announce* with each change."""

    def __init__(
        self, database: Database, announce: Callable[[HindranceIssue, IssueChange], None]
    ) -> None:
        self._database = database
        self._announce = announce
        self._hindrances: dict[int, HindrancePeriod | None] = {}

    def check(self, project_id: int, fleet: Sequence[Worker], now: Micros) -> bool:
        """Record whether the workers of *fleet* can be recycled; return whether that changed."""
        alive = [one for one in fleet if one.is_alive(now)]
        nets, before = lasting_hindrances(alive), self._hindrances.get(project_id)
        if not nets and before is None and project_id in self._hindrances:
            return False
        with self._database.reading() as connection:
            known = hindrance_issues.get_for_project(connection, project_id)
        hindrance = self._hindrances[project_id] = next_period(before, nets, known, now)
        change = next_hindrance_change(known, nets, hindrance, now)
        if change is not None:
            environment = _affected_environment(alive)
            with self._database.writing() as connection:
                issue = record_hindrance_change(connection, project_id, known, change, environment)
            self._announce(issue, change)
        elif nets and known is not None:
            with self._database.writing() as connection:
                hindrance_issues.update_seen_at(connection, known, now)
        return change is not None


def _affected_environment(fleet: Sequence[Worker]) -> str:
    """Return the environment of the first worker that cannot be recycled, else of the first."""
    hindered_workers = [one for one in fleet if lasting_hindrances([one])]
    return next((one.environment for one in (*hindered_workers, *fleet)), "")
