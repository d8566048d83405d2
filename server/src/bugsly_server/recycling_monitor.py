"""Watches whether the safety nets of projects can do their work, and lets people be told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bugsly_server.clock import Micros
from bugsly_server.detect.hindrance import HindrancePeriod, next_hindrance_change, next_period
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import IssueChange
from bugsly_server.model.recycling import lasting_hindrances
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import channels, hindrance_issues
from bugsly_server.store.meta.database import Database


class RecyclingMonitor:
    """Looks at the workers of one project at a time; *announce* is told what changes."""

    def __init__(
        self, database: Database, announce: Callable[[HindranceIssue, IssueChange], None]
    ) -> None:
        self._database = database
        self._announce = announce
        self._hindrances: dict[int, HindrancePeriod | None] = {}

    def check(self, project_id: int, fleet: Sequence[Worker], now: Micros) -> bool:
        """Record what the workers of a project say of their nets; return whether that is news."""
        alive = [one for one in fleet if one.is_alive(now)]
        nets, before = lasting_hindrances(alive), self._hindrances.get(project_id)
        if not nets and before is None and project_id in self._hindrances:
            return False
        with self._database.reading() as connection:
            known = hindrance_issues.get_for_project(connection, project_id)
        hindrance = self._hindrances[project_id] = next_period(before, nets, known, now)
        issue_change = next_hindrance_change(known, nets, hindrance, now)
        if issue_change is not None:
            self._record(project_id, known, issue_change, _affected_environment(alive))
        elif nets and known is not None:
            with self._database.writing() as connection:
                hindrance_issues.update_seen_at(connection, known, now)
        return issue_change is not None

    def _record(
        self,
        project_id: int,
        known: HindranceIssue | None,
        issue_change: IssueChange,
        environment: str,
    ) -> None:
        with self._database.writing() as connection:
            change_id = hindrance_issues.record_change(
                connection, project_id, known, issue_change, environment
            )
            channels.enqueue(connection, project_id, change_id, issue_change.at)
            issue = hindrance_issues.get_for_project(connection, project_id)
        assert issue is not None, "it was stored three lines above"
        self._announce(issue, issue_change)


def _affected_environment(fleet: Sequence[Worker]) -> str:
    """Return the environment of the first worker that is held back, or of any."""
    hindered_workers = [one for one in fleet if lasting_hindrances([one])]
    return next((one.environment for one in (*hindered_workers, *fleet)), "")
