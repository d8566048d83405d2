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

from bugsly.protocol.evidence import Ask
from bugsly_server.clock import DAY, SECOND, Clock, Micros
from bugsly_server.detect.growth import HITS, is_due, judge
from bugsly_server.detect.identity import pair
from bugsly_server.detect.lifecycle import next_change
from bugsly_server.detect.proof import awaits_proof, fixed, prove
from bugsly_server.detect.recycled import awaited_since, tell_recycled
from bugsly_server.digest.errors import ErrorRecorder
from bugsly_server.digest.exits import of_silent
from bugsly_server.digest.record import Recorder
from bugsly_server.digest.sessions import record_sessions
from bugsly_server.inquiry import Inquiry
from bugsly_server.mailbox import Mailbox
from bugsly_server.model.error import AnyIssue
from bugsly_server.model.growth import Verdict
from bugsly_server.model.issue import Change, Issue, State
from bugsly_server.model.probed import Span, without_probes
from bugsly_server.model.worker import SILENT_AFTER, Worker
from bugsly_server.netwatch import NetWatch
from bugsly_server.store import comparison
from bugsly_server.store.meta import (
    advice,
    asks,
    channels,
    counters,
    groupings,
    health,
    holders,
    issues,
    projects,
    workers,
)
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import KEEP_STEPS, Entry, Events, Telemetry

LOOK_POINTS = 600
FIND_AFTER_LOOK: Micros = 1 * SECOND
FIND_EVERY: Micros = 15 * SECOND
"""Time alone changes findings too, and a large fleet is looked at all the time."""
PEERS_SINCE: Micros = 7 * DAY
KEEP_SEEN: Micros = 7 * DAY
"""For the ids of events: long after a client would send one again."""
MOST_ENDED = 200
"""Past lives that a worker is compared with."""

Announce = Callable[[AnyIssue, Change], None]

_kind = attrgetter("kind")


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What the pipeline writes to, and how many errors a project may have."""

    database: Database
    telemetry: Telemetry
    events: Events
    most_errors: int


class Pipeline:
    """Digests what the spool holds, and looks after what time alone changes.

    For it the present is the moment up to which all reports are digested: while it catches up,
    nobody is called silent, and nothing quiet, whose reports are only waiting.
    """

    def __init__(
        self,
        store: Store,
        mailbox: Mailbox,
        clock: Clock,
        announce: Announce,
    ) -> None:
        self._database = store.database
        self._telemetry = store.telemetry
        self._events = store.events
        self._mailbox = mailbox
        self._announce = announce
        self._recorder = Recorder(store.database, store.telemetry)
        self._errors = ErrorRecorder(store.database, store.events, store.most_errors)
        self._nets = NetWatch(store.database, announce)
        self._since = clock()
        self._watch: dict[int, Watch] = {}
        self._inquiries: dict[int, Inquiry] = {}
        self.skipped: Counter[tuple[int, str]] = Counter()

    def digest(self, entries: Sequence[Entry]) -> set[int]:
        """Keep and judge what *entries* say; return the projects they belong to.

        Digesting the same entries again adds nothing.
        """
        now = max(entry.received_at for entry in entries)
        kinds = {
            kind: list(members) for kind, members in groupby(sorted(entries, key=_kind), key=_kind)
        }
        told = self._errors.record(kinds.pop("event", ()), self.skipped)
        for issue, change in (one for each in told.values() for one in each):
            self._announce(issue, change)
        self._add_sessions((*kinds.pop("session", ()), *kinds.pop("sessions", ())), now)
        touched = self._recorder.record(kinds.pop("memory", ()), self.skipped)
        for project_id, sighted in touched.items():
            watch = self._watch.setdefault(project_id, Watch(since=now))
            watch.reported = True
            watch.looked = self._look(sighted, now) or watch.looked
        return set(touched) | set(told)

    def find(self, now: Micros) -> set[int]:
        """Let detection speak about the projects that are due; return those it told of."""
        due = [project_id for project_id, watch in self._watch.items() if watch.is_due(now)]
        told = {project_id for project_id in due if self._find(project_id, now)}
        if due:
            with self._database.reading() as connection:
                self._mailbox.fill(asks.waiting(connection))
        return told

    def ask(self, worker: Worker, wanted: Ask, now: Micros) -> bool:
        """Ask *worker* for *wanted* in the next reply to it; return whether it can be asked now."""
        with self._database.writing() as connection:
            asked = asks.add(connection, worker, wanted, now)
        if asked is not None:
            self._mailbox.put(asked)
        return asked is not None

    def tend(self, skipped: Counter[tuple[int, str]], now: Micros) -> None:
        """Do what is due with time: count *skipped*, end silent workers, roll up samples."""
        self._telemetry.roll_up(now)
        sent = self._mailbox.sent()
        with self._database.writing() as connection:
            counters.add(connection, self.skipped + skipped, now)
            for project in projects.every(connection):
                _end_silent(connection, project.id, now, self._since)
            asks.sent(connection, sent, now)
            asks.expire(connection, now)
            waiting = asks.waiting(connection)
        self._mailbox.fill(waiting)
        self._mailbox.settled(sent)
        self.skipped.clear()

    def forget(self, keep: Micros, now: Micros) -> None:
        """Drop what is older than it is kept."""
        self._telemetry.forget(now)
        self._events.forget(now)
        with self._database.writing() as connection:
            workers.forget(connection, now - keep)
            counters.forget(connection, now - keep)
            health.forget(connection, now - keep)
            groupings.forget(connection, now - KEEP_SEEN, now - keep)
            advice.forget(connection, now - keep)
            forgotten = holders.forget(connection, now - KEEP_STEPS)
        if forgotten:
            self._recorder = Recorder(self._database, self._telemetry)

    def _add_sessions(self, entries: Sequence[Entry], now: Micros) -> None:
        if entries:
            with self._database.writing() as connection:
                record_sessions(connection, entries, self.skipped, now)

    def _look(self, sighted: Iterable[Worker], now: Micros) -> bool:
        """Judge the workers that have done enough since their last look; return whether any had."""
        due = [
            worker
            for worker in sighted
            if is_due(worker.requests, worker.judged_requests, now, worker.judged_at)
        ]
        if due:
            with self._database.reading() as connection:
                probed = asks.spans(connection, [worker.id for worker in due], now)
            judged = [self._judge(worker, probed[worker.id], now) for worker in due]
            with self._database.writing() as connection:
                workers.judge(connection, judged)
        return bool(due)

    def _judge(self, worker: Worker, probed: Sequence[Span], now: Micros) -> Worker:
        series = self._telemetry.points([worker.id], worker.started_at, now + 1, LOOK_POINTS)
        judgement = judge(without_probes(series[worker.id], probed), worker.started_at)
        grows = judgement.verdict is Verdict.GROWING
        return replace(
            worker,
            judgement=judgement,
            hits=min(worker.hits + 1, HITS) if grows else 0,
            judged_requests=worker.requests,
            judged_at=now,
        )

    def _find(self, project_id: int, now: Micros) -> bool:
        """Let detection speak about a project, and record what that changes, if anything."""
        with self._database.reading() as connection:
            fleet = workers.living(connection, project_id)
            past = workers.ended(connection, project_id, now - PEERS_SINCE, MOST_ENDED)
            gone = workers.recycled(connection, project_id, now - DAY)
            known = {one.fingerprint: one for one in issues.every(connection, project_id)}
        watch = self._watch[project_id]
        watch.found(now, gap=max([SILENT_AFTER, *(one.patience for one in fleet)]))
        inquiry = self._inquiries.setdefault(
            project_id, Inquiry(self._database, self._telemetry, self.ask)
        )
        found = inquiry.find(project_id, fleet + past, now)
        told = self._nets.look(project_id, fleet, now)
        for issue, finding in pair(known, [tell_recycled(one, fleet + gone, now) for one in found]):
            change = next_change(issue, finding, now, awaited_since(issue, gone, watch.since))
            if issue is not None and finding is None and awaits_proof(issue, now):
                change = self._proven(issue, now) or change
            if change is not None:
                self._change(project_id, issue, change)
                told = True
            elif issue is not None and finding is not None and issue.state is State.OPEN:
                with self._database.writing() as connection:
                    issues.keep_finding(connection, issue.id, finding, now)
        return told

    def _proven(self, issue: Issue, now: Micros) -> Change | None:
        """Return that *issue*, which nothing speaks for, is fixed, if a later release proves it."""
        with self._database.reading() as connection:
            lives = comparison.of_issue(connection, self._telemetry, issue, now)
        return None if lives is None else fixed(prove(issue, *lives), now)

    def _change(self, project_id: int, issue: Issue | None, change: Change) -> None:
        with self._database.writing() as connection:
            told = record_change(connection, project_id, issue, change)
        self._announce(told, change)


@dataclass(slots=True)
class Watch:
    """How long, and when last, detection spoke about a project."""

    since: Micros
    """The beginning of the time without a gap in which its workers reported."""
    found_at: Micros = 0
    reported: bool = False
    """Whether a worker reported after that."""
    looked: bool = False
    """Whether one was looked at."""

    def is_due(self, now: Micros) -> bool:
        """Return whether detection should speak again."""
        pause = FIND_AFTER_LOOK if self.looked else FIND_EVERY
        return self.reported and now - self.found_at >= pause

    def found(self, now: Micros, gap: Micros) -> None:
        """Note that detection speaks; more than *gap* without it begins a new watch."""
        if now - self.found_at > gap:
            self.since = now
        self.found_at = now
        self.reported = self.looked = False


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
    if told.finding.is_alarming and not told.is_snoozed(change.at):
        channels.enqueue(connection, project_id, change_id, change.at)
    return told


def _end_silent(connection: Connection, project_id: int, now: Micros, since: Micros) -> None:
    """End the workers that have been silent since they were last seen, or since we listen."""
    living = workers.living(connection, project_id)
    for worker in living:
        if now - max(worker.seen_at, since) >= worker.patience:
            reason = of_silent(worker, living, now)
            if reason is not None:
                ended = replace(worker, ended_at=worker.seen_at, exit_reason=reason)
                workers.end(connection, ended)
