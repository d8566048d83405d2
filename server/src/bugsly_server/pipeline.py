"""What happens to a report after it was acknowledged, step by step. Read this first.

    memory report   decode ▸ arrive ▸ record ▸ judge         each batch
                    analyse ▸ change ▸ announce              each project, when it is due
    event           decode ▸ group ▸ record ▸ change ▸ announce
    session         decode ▸ record

`Digester` feeds it from the spool on one thread, batch by batch, so a decision is made once. A
change of an issue is stored with its alert, which `AlertSender` delivers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from time import sleep
from typing import TypeVar

from bugsly.protocol.evidence import ProbeRequest
from bugsly_server.clock import DAY, Clock, Micros
from bugsly_server.decode.batch import decode_events, decode_reports, decode_session_items
from bugsly_server.detect.fix_proof import awaits_proof, fixed_change, prove_fix
from bugsly_server.detect.issue_matching import match_issues
from bugsly_server.detect.leak_lifecycle import next_leak_change
from bugsly_server.detect.leak_overflow import share_overflow
from bugsly_server.detect.recycling import add_recycling, quiet_from
from bugsly_server.detection_schedule import DetectionSchedule
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.leak_analysis import LeakAnalysis, LeakOutcome, ProjectWorkers
from bugsly_server.model.error_issue import AnyIssue
from bugsly_server.model.issue import Finding, Issue, IssueChange, IssueState
from bugsly_server.model.project_limits import ProjectLimits
from bugsly_server.model.worker import Worker
from bugsly_server.pending_probe_requests import PendingProbeRequests
from bugsly_server.record.alert_rate_limit import MAX_ALERTS_PER_HOUR, AlertRateLimit
from bugsly_server.record.arrival import apply_reports
from bugsly_server.record.environment_limit import EnvironmentLimit
from bugsly_server.record.error_recorder import ErrorRecorder
from bugsly_server.record.event_batch import group_events
from bugsly_server.record.memory_recorder import MemoryRecorder
from bugsly_server.record.session_recorder import bound_releases, record_sessions
from bugsly_server.recycling_monitor import RecyclingMonitor
from bugsly_server.store import release_comparison
from bugsly_server.store.meta import leak_issues, probe_requests, release_sessions, workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import EventStore, SpoolEntry, Telemetry
from bugsly_server.store_maintenance import StoreMaintenance
from bugsly_server.worker_judging import WorkerJudge

PEER_WINDOW: Micros = 7 * DAY
MAX_ENDED_PEERS = 200
"""Ended workers that a living one is compared with."""

Announce = Callable[[AnyIssue, IssueChange], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStores:
    """What the pipeline writes to, and how much of it a project may have."""

    database: Database
    telemetry: Telemetry
    events: EventStore
    limits: ProjectLimits
    keep_bytes: int


class Pipeline:
    """Digests what the spool holds, and maintains what changes with time.

    Its present is the moment up to which all reports are digested. So while it catches up, it
    takes no worker for silent and no leak for quiet whose reports are only waiting.
    """

    def __init__(
        self,
        stores: PipelineStores,
        pending_requests: PendingProbeRequests,
        clock: Clock,
        announce: Announce,
    ) -> None:
        database, telemetry = stores.database, stores.telemetry
        self._database = database
        self._telemetry = telemetry
        self._pending_requests = pending_requests
        self._announce = announce
        self._memory_recorder = MemoryRecorder(database, telemetry, stores.limits)
        self._error_recorder = ErrorRecorder(database, stores.events, stores.limits)
        self._environment_limit = EnvironmentLimit(database, stores.limits.environments)
        self._limits = stores.limits
        self._keep_bytes = stores.keep_bytes
        self._alert_rate_limit = AlertRateLimit()
        self._worker_judge = WorkerJudge(database, telemetry)
        self._schedule = DetectionSchedule()
        self._leak_analyses: dict[int, LeakAnalysis] = {}
        self._recycling_monitor = RecyclingMonitor(database, announce)
        self._maintenance = StoreMaintenance(
            database, telemetry, stores.events, pending_requests, clock
        )
        self.skipped: Counter[tuple[int, str]] = Counter()
        """What was not kept and is not counted in the store yet, by project and reason."""

    def digest(self, entries: Sequence[SpoolEntry]) -> set[int]:
        """Digest a batch; return the projects whose pages it may change.

        Digesting the same entries again adds nothing.
        """
        now = max(entry.received_at for entry in entries)
        changed = set()
        for project_id, events in _by_project(entries, "event").items():
            self._digest_events(project_id, events)
            changed.add(project_id)
        for project_id, sessions in _by_project(entries, "session", "sessions").items():
            self._digest_sessions(project_id, sessions, now)
        for project_id, reports in _by_project(entries, "memory").items():
            if self._digest_reports(project_id, reports, now):
                changed.add(project_id)
        return changed

    def detect(self, now: Micros) -> set[int]:
        """Run detection for the projects that are due; return those whose issues changed."""
        due = self._schedule.due(now)
        changed = {project_id for project_id in due if self._detect_leaks(project_id, now)}
        if due:
            with self._database.reading() as connection:
                self._pending_requests.replace_all(probe_requests.list_unsent(connection))
        return changed

    def maintain(
        self,
        skipped: Counter[tuple[int, str]],
        kept_bytes: Mapping[int, int],
        now: Micros,
    ) -> None:
        """Do what is due every few seconds; count what was *skipped* and kept before the spool."""
        self._maintenance.run(self.skipped + skipped, kept_bytes, now)
        self.skipped.clear()

    def apply_retention(self, retention: Micros, now: Micros) -> None:
        """Delete what is older than it is kept, and the oldest of what is too much."""
        self._maintenance.delete_excess(self._keep_bytes, now)
        if self._maintenance.delete_expired(retention, now):
            self._memory_recorder.forget_ids()

    def request_probe(self, worker: Worker, request: ProbeRequest, now: Micros) -> bool:
        """Send *request* with the next reply to *worker*; return False where it may not be sent."""
        with self._database.writing() as connection:
            stored = probe_requests.add(connection, worker, request, now)
        if stored is not None:
            self._pending_requests.add(stored)
        return stored is not None

    def _digest_events(self, project_id: int, entries: Sequence[SpoolEntry]) -> None:
        skipped: Counter[str] = Counter()
        now = max(entry.received_at for entry in entries)
        events = self._environment_limit.events(
            project_id, decode_events(_yielding_to_threads(entries), skipped), skipped, now
        )
        grouped = group_events(_yielding_to_threads(events))
        changes = self._error_recorder.record(project_id, grouped, skipped, now)
        for issue, change in changes:
            self._announce(issue, change)
        self._count_skipped(project_id, skipped)

    def _digest_sessions(self, project_id: int, entries: Sequence[SpoolEntry], now: Micros) -> None:
        skipped: Counter[str] = Counter()
        with self._database.reading() as connection:
            entries = release_sessions.uncounted(connection, project_id, entries)
        if not entries:
            return
        sessions = self._environment_limit.sessions(
            project_id, decode_session_items(entries, skipped), skipped, now
        )
        with self._database.writing() as connection:
            known = bound_releases(connection, project_id, sessions, self._limits.releases, skipped)
            record_sessions(connection, project_id, known, now)
            release_sessions.mark_counted(connection, project_id, entries)
        self._count_skipped(project_id, skipped)

    def _digest_reports(self, project_id: int, entries: Sequence[SpoolEntry], now: Micros) -> bool:
        """Digest memory reports of a project; return whether any of them could be read."""
        skipped: Counter[str] = Counter()
        reports = self._environment_limit.reports(
            project_id, decode_reports(entries, skipped), skipped, now
        )
        if reports:
            ids = self._memory_recorder.register(project_id, reports, skipped)
            arrivals = apply_reports(ids.workers, ids.reports, skipped)
            reporting = self._memory_recorder.record(project_id, arrivals, ids, skipped)
            is_any_judged = self._worker_judge.judge_due(reporting, now)
            self._schedule.note_reports(project_id, now, is_any_judged=is_any_judged)
        self._count_skipped(project_id, skipped)
        return bool(reports)

    def _detect_leaks(self, project_id: int, now: Micros) -> bool:
        """Analyse a project and record what that changes; return whether it changed an issue."""
        fleet = self._read_fleet(project_id, now)
        watched_since = self._schedule.mark_detected(project_id, fleet.living, now)
        findings = self._analyse(project_id, fleet, now)
        has_hindrance_changed = self._recycling_monitor.check(project_id, fleet.living, now)
        outcomes = self._decide(fleet, findings, watched_since, now)
        changes = self._record_outcomes(project_id, outcomes, now)
        for issue, change in changes:
            self._announce(issue, change)
        return bool(changes) or has_hindrance_changed

    def _read_fleet(self, project_id: int, now: Micros) -> ProjectWorkers:
        with self._database.reading() as connection:
            since = now - PEER_WINDOW
            return ProjectWorkers(
                living=workers.list_living(connection, project_id),
                ended=workers.list_ended(connection, project_id, since, MAX_ENDED_PEERS),
                recycled=workers.list_recycled(connection, project_id, now - DAY),
                leaks=leak_issues.list_all(connection, project_id),
            )

    def _analyse(self, project_id: int, fleet: ProjectWorkers, now: Micros) -> list[Finding]:
        """Return what detection finds now, with causes, and how recycling held it off."""
        analysis = self._leak_analyses.setdefault(
            project_id, LeakAnalysis(self._database, self._telemetry, self.request_probe)
        )
        findings = analysis.find_leaks(project_id, fleet.living + fleet.ended, now)
        return [add_recycling(one, fleet.living + fleet.recycled, now) for one in findings]

    def _decide(
        self, fleet: ProjectWorkers, findings: Sequence[Finding], watched_since: Micros, now: Micros
    ) -> list[LeakOutcome]:
        """Return what *findings* change, with the leaks that no finding supports any more."""
        outcomes = []
        known = {issue.fingerprint: issue for issue in fleet.leaks}
        for issue, finding in share_overflow(match_issues(known, findings), self._limits.leaks):
            quiet_since = quiet_from(issue, fleet.recycled, watched_since)
            change = next_leak_change(issue, finding, now, quiet_since)
            if issue is not None and finding is None and awaits_proof(issue, now):
                change = self._fix_proven_by_release(issue, now) or change
            outcomes.append(LeakOutcome(issue, finding, change))
        return outcomes

    def _fix_proven_by_release(self, issue: Issue, now: Micros) -> IssueChange | None:
        """Return that *issue* is fixed, if a later release proves it."""
        with self._database.reading() as connection:
            compared = release_comparison.compare_releases(connection, self._telemetry, issue, now)
        return None if compared is None else fixed_change(prove_fix(issue, *compared), now)

    def _record_outcomes(
        self, project_id: int, outcomes: Iterable[LeakOutcome], now: Micros
    ) -> list[tuple[Issue, IssueChange]]:
        """Store changes, and the latest finding of unchanged open leaks; return the changes."""
        changes = []
        for issue, finding, change in outcomes:
            if change is not None:
                with self._database.writing() as connection:
                    changed = record_leak_change(
                        connection, project_id, issue, change, may_alert=self._may_alert
                    )
                changes.append((changed, change))
            elif issue is not None and finding is not None and issue.state is IssueState.OPEN:
                with self._database.writing() as connection:
                    leak_issues.update_finding(connection, issue.id, finding, now)
        return changes

    def _may_alert(self, project_id: int, now: Micros) -> bool:
        """Return whether one more alert of a leak may go out; count those that may not."""
        may_alert = self._alert_rate_limit.may_alert(project_id, now)
        if not may_alert:
            self.skipped[
                project_id, f"alert of a leak beyond the {MAX_ALERTS_PER_HOUR} of an hour"
            ] += 1
        return may_alert

    def _count_skipped(self, project_id: int, skipped: Counter[str]) -> None:
        for reason, amount in skipped.items():
            self.skipped[project_id, reason] += amount


def _by_project(entries: Iterable[SpoolEntry], *kinds: str) -> dict[int, list[SpoolEntry]]:
    """Return the entries of *kinds* by project, in the order of arrival."""
    chosen = sorted(
        (entry for entry in entries if entry.kind in kinds), key=attrgetter("project_id")
    )
    return {
        project_id: list(members)
        for project_id, members in groupby(chosen, key=attrgetter("project_id"))
    }


def _yielding_to_threads(items: Iterable[T]) -> Iterator[T]:
    """Yield *items*, and let go of the interpreter before each for threads that answer clients."""
    for item in items:
        sleep(0)
        yield item
