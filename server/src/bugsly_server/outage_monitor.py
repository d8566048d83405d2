"""Watches that apps report, channels accept, the digest keeps up and backups are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from bugsly_server.clock import HOUR, MINUTE, Clock, Micros
from bugsly_server.detect.outages import (
    failing_channel,
    late_digest,
    next_outage_change,
    old_backup,
    silent_app,
)
from bugsly_server.issue_changes import record_outage_change
from bugsly_server.model.issue import IssueChange, IssueState
from bugsly_server.model.outage import Outage, OutageIssue, OutageKind
from bugsly_server.store.meta import channels, outage_issues, projects, workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.meta.projects import Project
from bugsly_server.store.ports import Spool

CHECK_SECONDS = 20.0
Announce = Callable[[OutageIssue, IssueChange], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCheck:
    """Where the operator's backup is, and how old it may be."""

    path: Path
    hours: int

    def find_outage(self, now: Micros) -> Outage | None:
        """Return that the backup is old; a folder is as old as the newest file in it."""
        return old_backup(_newest_change(self.path), self.hours * HOUR, now)


class OutageMonitor:
    """A `BackgroundTask` that records what stops and what goes on again."""

    def __init__(
        self,
        database: Database,
        spool: Spool,
        backup: BackupCheck | None,
        clock: Clock,
        announce: Announce,
    ) -> None:
        self._database = database
        self._spool = spool
        self._backup = backup
        self._clock = clock
        self._announce = announce
        self._started_at = clock()

    def run_once(self) -> float:
        """Check every project; return the pause until the next check."""
        now = self._clock()
        oldest = self._spool.oldest_received_at()
        lag = late_digest(oldest, now)
        backup = None if self._backup is None else self._backup.find_outage(now)
        of_server = [one for one in (lag, backup) if one is not None]
        with self._database.reading() as connection:
            all_projects = projects.list_all(connection)
            known = {one.id: outage_issues.list_all(connection, one.id) for one in all_projects}
            digested_until = now if oldest is None else oldest
            outages = {
                one.id: of_server
                + self._find_outages(connection, one, known[one.id], digested_until)
                for one in all_projects
            }
        for project_id, found in outages.items():
            self._record(project_id, found, known[project_id], now)
        return CHECK_SECONDS

    def recover(self, _error: Exception) -> float:
        """Wait for the next check: nothing is lost."""
        return CHECK_SECONDS

    def _find_outages(
        self,
        connection: Connection,
        project: Project,
        known: Sequence[OutageIssue],
        digested_until: Micros,
    ) -> list[Outage]:
        """Return what stopped in one project by what is digested; *known* are its issues so far."""
        is_known = any(one.kind is OutageKind.APP and one.state is IssueState.OPEN for one in known)
        app = silent_app(
            workers.list_living(connection, project.id),
            workers.list_ended(connection, project.id, 0, 1),
            project.silence_minutes * MINUTE,
            None if is_known else self._started_at,
            digested_until,
        )
        failing = channels.list_failing(connection, project.id)
        return [*map(failing_channel, failing), *([] if app is None else [app])]

    def _record(
        self,
        project_id: int,
        outages: Sequence[Outage],
        known: Sequence[OutageIssue],
        now: Micros,
    ) -> None:
        by_fingerprint: Mapping[str, Outage] = {one.fingerprint: one for one in outages}
        issues = {one.fingerprint: one for one in known}
        for fingerprint in dict.fromkeys((*issues, *by_fingerprint)):
            issue, outage = issues.get(fingerprint), by_fingerprint.get(fingerprint)
            change = next_outage_change(issue, outage, now)
            if change is None:
                continue
            with self._database.writing() as connection:
                changed = record_outage_change(connection, project_id, issue, outage, change)
            self._announce(changed, change)


def _newest_change(path: Path) -> Micros | None:
    """Return when a file, or the newest file in a folder, was changed; None where there is none."""
    try:
        files = [one for one in (path.iterdir() if path.is_dir() else [path]) if one.is_file()]
        return max((one.stat().st_mtime_ns // 1_000 for one in files), default=None)
    except OSError:
        return None
