"""What happens to a report after it was acknowledged, in order. Read this first.

    spool ▸ decode ▸ arrive ▸ record ▸ look ▸ find ▸ change ▸ alert

One thread runs it, batch by batch, so what is decided here is decided once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from bugsly_server.clock import DAY, SECOND, Clock, Micros
from bugsly_server.detect import finding as findings
from bugsly_server.detect.growth import HITS, is_due, judge
from bugsly_server.detect.lifecycle import next_change
from bugsly_server.digest.exits import of_silent
from bugsly_server.digest.record import Recorder
from bugsly_server.model.growth import Verdict
from bugsly_server.model.issue import Change, Finding, Issue, State
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import channels, counters, issues, projects, workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import Entry, Telemetry

LOOK_POINTS = 600
FIND_EVERY: Micros = 15 * SECOND
PEERS_SINCE: Micros = 7 * DAY
MOST_ENDED = 200
"""Past lives that a worker is compared with."""

Announce = Callable[[Issue, Change], None]


class Pipeline:
    """Digests what the spool holds, and looks after what time alone changes."""

    def __init__(
        self, database: Database, telemetry: Telemetry, clock: Clock, announce: Announce
    ) -> None:
        self._database = database
        self._telemetry = telemetry
        self._clock = clock
        self._announce = announce
        self._recorder = Recorder(database, telemetry)
        self._found_at: dict[int, Micros] = {}
        self.skipped: Counter[tuple[int, str]] = Counter()

    def digest(self, entries: Sequence[Entry]) -> set[int]:
        """Keep and judge what *entries* say; return the projects they belong to.

        Digesting the same entries again adds nothing.
        """
        touched = self._recorder.record(entries, self.skipped)
        for project_id, sighted in touched.items():
            looked = self._look(sighted)
            if looked or self._is_due(project_id):
                self._find(project_id)
        return set(touched)

    def tend(self, skipped: Counter[tuple[int, str]]) -> None:
        """Do what is due with time: count *skipped*, end silent workers, roll up samples."""
        now = self._clock()
        self._telemetry.roll_up(now)
        with self._database.writing() as connection:
            counters.add(connection, self.skipped + skipped, now)
            for project in projects.every(connection):
                _end_silent(connection, project.id, now)
        self.skipped.clear()

    def forget(self, keep: Micros) -> None:
        """Drop what is older than it is kept."""
        now = self._clock()
        self._telemetry.forget(now)
        with self._database.writing() as connection:
            workers.forget(connection, now - keep)
            counters.forget(connection, now - keep)

    def _look(self, sighted: Iterable[Worker]) -> bool:
        """Judge the workers that have done enough since their last look; return whether any had."""
        now = self._clock()
        due = [
            worker
            for worker in sighted
            if is_due(worker.requests, worker.judged_requests, now, worker.judged_at)
        ]
        judged = [self._judge(worker, now) for worker in due]
        if judged:
            with self._database.writing() as connection:
                workers.judge(connection, judged)
        return bool(judged)

    def _judge(self, worker: Worker, now: Micros) -> Worker:
        series = self._telemetry.points([worker.id], worker.started_at, now, LOOK_POINTS)
        judgement = judge(series[worker.id], worker.started_at)
        grows = judgement.verdict is Verdict.GROWING
        return replace(
            worker,
            judgement=judgement,
            hits=min(worker.hits + 1, HITS) if grows else 0,
            judged_requests=worker.requests,
            judged_at=now,
        )

    def _is_due(self, project_id: int) -> bool:
        return self._clock() - self._found_at.get(project_id, 0) >= FIND_EVERY

    def _find(self, project_id: int) -> None:
        """Let detection speak about a project, and record what that changes."""
        now = self._clock()
        self._found_at[project_id] = now
        with self._database.reading() as connection:
            fleet = workers.living(connection, project_id)
            fleet += workers.ended(connection, project_id, now - PEERS_SINCE, MOST_ENDED)
            known = {one.fingerprint: one for one in issues.every(connection, project_id)}
        found = {one.fingerprint: one for one in findings.find(fleet, now)}
        for fingerprint in known.keys() | found.keys():
            self._change(project_id, known.get(fingerprint), found.get(fingerprint), now)

    def _change(
        self, project_id: int, issue: Issue | None, finding: Finding | None, now: Micros
    ) -> None:
        change = next_change(issue, finding, now)
        if change is None and (issue is None or finding is None or issue.state is not State.OPEN):
            return
        with self._database.writing() as connection:
            if change is None:
                assert issue is not None
                assert finding is not None
                issues.keep_finding(connection, issue.id, finding, now)
                return
            told = record_change(connection, project_id, issue, change)
        self._announce(told, change)


def record_change(
    connection: Connection,
    project_id: int,
    issue: Issue | None,
    change: Change,
    account_id: int | None = None,
) -> Issue:
    """Store *change* and let its alert go out, unless the issue is snoozed; return the issue."""
    issue_id, change_id = issues.record(connection, project_id, issue, change, account_id)
    told = issues.get(connection, project_id, issue_id)
    assert told is not None, "it was stored one line above"
    if not told.is_snoozed(change.at):
        channels.enqueue(connection, project_id, change_id, change.at)
    return told


def _end_silent(connection: Connection, project_id: int, now: Micros) -> None:
    living = workers.living(connection, project_id)
    for worker in living:
        if worker.is_silent(now):
            reason = of_silent(worker, living, now)
            if reason is not None:
                workers.end(
                    connection, replace(worker, ended_at=worker.seen_at, exit_reason=reason)
                )
