"""What happens to a report after it was acknowledged, in order. Read this first.

    memory: spool ▸ decode ▸ arrive ▸ record ▸ look ▸ inquire ▸ change ▸ alert
    events: spool ▸ decode ▸ group ▸ record ▸ change ▸ alert

One thread runs it, batch by batch, so what is decided here is decided once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection

from bugsly.protocol.evidence import ProbeRequest
from bugsly_server.clock import DAY, SECOND, Clock, Micros
from bugsly_server.detect.fix_proof import awaits_proof, fixed_change, prove_fix
from bugsly_server.detect.issue_matching import match_issues
from bugsly_server.detect.leak_lifecycle import next_leak_change
from bugsly_server.detect.recycling import add_recycling, quiet_from
from bugsly_server.detect.worker_growth import MIN_HITS, is_due, judge_worker
from bugsly_server.leak_analysis import LeakAnalysis
from bugsly_server.model.error_issue import AnyIssue
from bugsly_server.model.growth import GrowthVerdict
from bugsly_server.model.issue import Issue, IssueChange, IssueState
from bugsly_server.model.probe_correction import ProbeSpan, subtract_probe_memory
from bugsly_server.model.worker import SILENT_AFTER, Worker
from bugsly_server.pending_probe_requests import PendingProbeRequests
from bugsly_server.record.error_recorder import ErrorRecorder
from bugsly_server.record.memory_recorder import MemoryRecorder
from bugsly_server.record.session_recorder import record_sessions
from bugsly_server.record.worker_exits import silent_exit_reason
from bugsly_server.recycling_monitor import RecyclingMonitor
from bugsly_server.store import release_comparison
from bugsly_server.store.meta import (
    channels,
    counters,
    groupings,
    holders,
    leak_issues,
    llm_answers,
    probe_requests,
    projects,
    release_sessions,
    workers,
)
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import TIME_BUCKET_RETENTION, EventStore, SpoolEntry, Telemetry

MAX_TREND_POINTS = 600
DETECTION_INTERVAL_AFTER_JUDGEMENT: Micros = 1 * SECOND
DETECTION_INTERVAL: Micros = 15 * SECOND
"""Time alone changes findings too, and a large fleet is looked at all the time."""
PEER_WINDOW: Micros = 7 * DAY
EVENT_ID_RETENTION: Micros = 7 * DAY
"""For the ids of events: long after a client would send one again."""
MAX_ENDED_PEERS = 200
"""Past lives that a worker is compared with."""

Announce = Callable[[AnyIssue, IssueChange], None]

_kind = attrgetter("kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStores:
    """What the pipeline writes to, and how many errors a project may have."""

    database: Database
    telemetry: Telemetry
    events: EventStore
    max_errors: int


class Pipeline:
    """Digests what the spool holds, and looks after what time alone changes.

    For it the present is the moment up to which all reports are digested: while it catches up,
    nobody is called silent, and nothing quiet, whose reports are only waiting.
    """

    def __init__(
        self,
        stores: PipelineStores,
        pending_requests: PendingProbeRequests,
        clock: Clock,
        announce: Announce,
    ) -> None:
        self._database = stores.database
        self._telemetry = stores.telemetry
        self._events = stores.events
        self._pending_requests = pending_requests
        self._announce = announce
        self._memory_recorder = MemoryRecorder(stores.database, stores.telemetry)
        self._error_recorder = ErrorRecorder(stores.database, stores.events, stores.max_errors)
        self._recycling_monitor = RecyclingMonitor(stores.database, announce)
        self._started_at = clock()
        self._detection_states: dict[int, DetectionState] = {}
        self._leak_analyses: dict[int, LeakAnalysis] = {}
        self.skipped: Counter[tuple[int, str]] = Counter()

    def digest(self, entries: Sequence[SpoolEntry]) -> set[int]:
        """Keep and judge what *entries* say; return the projects they belong to.

        Digesting the same entries again adds nothing.
        """
        now = max(entry.received_at for entry in entries)
        kinds = {
            kind: list(members) for kind, members in groupby(sorted(entries, key=_kind), key=_kind)
        }
        error_changes = self._error_recorder.record(kinds.pop("event", ()), self.skipped)
        for issue, change in (one for each in error_changes.values() for one in each):
            self._announce(issue, change)
        self._add_sessions((*kinds.pop("session", ()), *kinds.pop("sessions", ())), now)
        touched = self._memory_recorder.record(kinds.pop("memory", ()), self.skipped)
        for project_id, reporting_workers in touched.items():
            detection = self._detection_states.setdefault(project_id, DetectionState(since=now))
            detection.has_reports = True
            detection.has_judged = self._judge_due(reporting_workers, now) or detection.has_judged
        return set(touched) | set(error_changes)

    def detect(self, now: Micros) -> set[int]:
        """Let detection speak about the projects that are due; return those it told of."""
        due = [
            project_id for project_id, watch in self._detection_states.items() if watch.is_due(now)
        ]
        changed = {project_id for project_id in due if self._detect_in_project(project_id, now)}
        if due:
            with self._database.reading() as connection:
                self._pending_requests.replace_all(probe_requests.list_unsent(connection))
        return changed

    def request_probe(self, worker: Worker, request: ProbeRequest, now: Micros) -> bool:
        """Ask *worker* for *request* in the next reply to it; return whether it can be asked now."""
        with self._database.writing() as connection:
            stored = probe_requests.add(connection, worker, request, now)
        if stored is not None:
            self._pending_requests.add(stored)
        return stored is not None

    def maintain(self, skipped: Counter[tuple[int, str]], now: Micros) -> None:
        """Do what is due with time: count *skipped*, end silent workers, roll up samples."""
        self._telemetry.roll_up(now)
        sent = self._pending_requests.sent_ids()
        with self._database.writing() as connection:
            counters.add(connection, self.skipped + skipped, now)
            for project in projects.list_all(connection):
                _end_silent_workers(connection, project.id, now, self._started_at)
            probe_requests.mark_sent(connection, sent, now)
            probe_requests.expire(connection, now)
            waiting = probe_requests.list_unsent(connection)
        self._pending_requests.replace_all(waiting)
        self._pending_requests.forget_sent(sent)
        self.skipped.clear()

    def apply_retention(self, retention: Micros, now: Micros) -> None:
        """Drop what is older than it is kept."""
        self._telemetry.delete_expired(now)
        self._events.delete_expired(now)
        with self._database.writing() as connection:
            workers.delete_before(connection, now - retention)
            counters.delete_before(connection, now - retention)
            release_sessions.delete_before(connection, now - retention)
            groupings.delete_before(connection, now - EVENT_ID_RETENTION, now - retention)
            llm_answers.delete_before(connection, now - retention)
            forgotten = holders.delete_before(connection, now - TIME_BUCKET_RETENTION)
        if forgotten:
            self._memory_recorder = MemoryRecorder(self._database, self._telemetry)

    def _add_sessions(self, entries: Sequence[SpoolEntry], now: Micros) -> None:
        if entries:
            with self._database.writing() as connection:
                record_sessions(connection, entries, self.skipped, now)

    def _judge_due(self, reporting_workers: Iterable[Worker], now: Micros) -> bool:
        """Judge the workers that have done enough since their last look; return whether any had."""
        due = [
            worker
            for worker in reporting_workers
            if is_due(worker.requests, worker.judged_requests, now, worker.judged_at)
        ]
        if due:
            with self._database.reading() as connection:
                probe_spans = probe_requests.memory_taking_spans(
                    connection, [worker.id for worker in due], now
                )
            judged = [self._judge(worker, probe_spans[worker.id], now) for worker in due]
            with self._database.writing() as connection:
                workers.update_judgements(connection, judged)
        return bool(due)

    def _judge(self, worker: Worker, probe_spans: Sequence[ProbeSpan], now: Micros) -> Worker:
        series = self._telemetry.points([worker.id], worker.started_at, now + 1, MAX_TREND_POINTS)
        judgement = judge_worker(
            subtract_probe_memory(series[worker.id], probe_spans), worker.started_at
        )
        grows = judgement.verdict is GrowthVerdict.GROWING
        return replace(
            worker,
            judgement=judgement,
            hits=min(worker.hits + 1, MIN_HITS) if grows else 0,
            judged_requests=worker.requests,
            judged_at=now,
        )

    def _detect_in_project(self, project_id: int, now: Micros) -> bool:
        """Let detection speak about a project, and record what that changes, if anything."""
        with self._database.reading() as connection:
            living = workers.list_living(connection, project_id)
            ended = workers.list_ended(connection, project_id, now - PEER_WINDOW, MAX_ENDED_PEERS)
            recycled = workers.list_recycled(connection, project_id, now - DAY)
            known = {one.fingerprint: one for one in leak_issues.list_all(connection, project_id)}
        detection = self._detection_states[project_id]
        detection.mark_detected(now, gap=max([SILENT_AFTER, *(one.silent_after for one in living)]))
        analysis = self._leak_analyses.setdefault(
            project_id, LeakAnalysis(self._database, self._telemetry, self.request_probe)
        )
        findings = analysis.find_leaks(project_id, living + ended, now)
        has_changed = self._recycling_monitor.check(project_id, living, now)
        for issue, finding in match_issues(
            known, [add_recycling(one, living + recycled, now) for one in findings]
        ):
            change = next_leak_change(
                issue, finding, now, quiet_from(issue, recycled, detection.since)
            )
            if issue is not None and finding is None and awaits_proof(issue, now):
                change = self._fix_proven_by_release(issue, now) or change
            if change is not None:
                self._record_change(project_id, issue, change)
                has_changed = True
            elif issue is not None and finding is not None and issue.state is IssueState.OPEN:
                with self._database.writing() as connection:
                    leak_issues.update_finding(connection, issue.id, finding, now)
        return has_changed

    def _fix_proven_by_release(self, issue: Issue, now: Micros) -> IssueChange | None:
        """Return that *issue*, which nothing speaks for, is fixed, if a later release proves it."""
        with self._database.reading() as connection:
            lives = release_comparison.compare_releases(connection, self._telemetry, issue, now)
        return None if lives is None else fixed_change(prove_fix(issue, *lives), now)

    def _record_change(self, project_id: int, issue: Issue | None, change: IssueChange) -> None:
        with self._database.writing() as connection:
            stored = record_change(connection, project_id, issue, change)
        self._announce(stored, change)


@dataclass(slots=True)
class DetectionState:
    """How long, and when last, detection spoke about a project."""

    since: Micros
    """The beginning of the time without a gap in which its workers reported."""
    detected_at: Micros = 0
    has_reports: bool = False
    """Whether a worker reported after that."""
    has_judged: bool = False
    """Whether one was looked at."""

    def is_due(self, now: Micros) -> bool:
        """Return whether detection should speak again."""
        pause = DETECTION_INTERVAL_AFTER_JUDGEMENT if self.has_judged else DETECTION_INTERVAL
        return self.has_reports and now - self.detected_at >= pause

    def mark_detected(self, now: Micros, gap: Micros) -> None:
        """Note that detection speaks; more than *gap* without it begins a new watch."""
        if now - self.detected_at > gap:
            self.since = now
        self.detected_at = now
        self.has_reports = self.has_judged = False


def record_change(
    connection: Connection,
    project_id: int,
    issue: Issue | None,
    change: IssueChange,
    account_id: int | None = None,
) -> Issue:
    """Store *change* and let its alert go out, unless the issue is snoozed; return the issue."""
    issue_id, change_id = leak_issues.record_change(
        connection, project_id, issue, change, account_id
    )
    stored = leak_issues.get(connection, project_id, issue_id)
    assert stored is not None, "it was stored one line above"
    if stored.finding.is_alarming and not stored.is_snoozed(change.at):
        channels.enqueue(connection, project_id, change_id, change.at)
    return stored


def _end_silent_workers(
    connection: Connection, project_id: int, now: Micros, since: Micros
) -> None:
    """End the workers that have been silent since they were last seen, or since we listen."""
    living = workers.list_living(connection, project_id)
    for worker in living:
        if now - max(worker.seen_at, since) >= worker.silent_after:
            reason = silent_exit_reason(worker, living, now)
            if reason is not None:
                ended = replace(worker, ended_at=worker.seen_at, exit_reason=reason)
                workers.record_end(connection, ended)
