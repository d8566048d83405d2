"""Writes a batch of events down: bodies in their day files, what they have in common in meta."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from time import sleep

from sqlalchemy import Connection

from bugsly_server.clock import DAY, HOUR, Micros
from bugsly_server.detect.recurrence import CALM_AFTER, ESCALATES_AT, next_change, opened
from bugsly_server.digest.alarms import Alarms
from bugsly_server.digest.batch import (
    REPEATED,
    Known,
    Met,
    by_issue,
    count_up,
    kept_of,
    latest_of,
    read_batch,
    specimens_of,
)
from bugsly_server.digest.traits import Traits
from bugsly_server.group.fingerprint import Group
from bugsly_server.group.naming import place, title
from bugsly_server.model.error import Burst, ErrorIssue
from bugsly_server.model.event import Event
from bugsly_server.model.issue import Change, ChangeKind, State
from bugsly_server.store.meta import channels, errors, groupings, workers
from bugsly_server.store.meta.database import Database
from bugsly_server.store.meta.groupings import Grouping
from bugsly_server.store.ports import Entry, Events

OVERFLOW = "1/overflow"
PAST: Micros = 7 * DAY

Told = tuple[ErrorIssue, Change]


class ErrorRecorder:
    """Digests events; *most* is how many errors a project may have before they share one."""

    def __init__(self, database: Database, events: Events, most: int) -> None:
        self._database = database
        self._events = events
        self._most = most
        self._traits = Traits()
        self._alarms = Alarms()

    def record(
        self, entries: Iterable[Entry], skipped: Counter[tuple[int, str]]
    ) -> dict[int, list[Told]]:
        """Store what *entries* say; return what that changed about errors, by project."""
        told: dict[int, list[Told]] = {}
        ordered = sorted(entries, key=lambda entry: entry.project_id)
        for project_id, members in groupby(ordered, key=lambda entry: entry.project_id):
            mine = list(members)
            amounts: Counter[str] = Counter()
            told[project_id] = self._store(project_id, mine, amounts)
            for why, amount in amounts.items():
                skipped[project_id, why] += amount
        return told

    def _store(
        self, project_id: int, entries: Sequence[Entry], skipped: Counter[str]
    ) -> list[Told]:
        """Store the events of one project, in three steps each of which may be the last.

        What they are grouped by comes first, because bodies are kept under the ids that meta
        gives. Then the bodies, which are kept once however often they are written. The events are
        counted last, together with the note that they are.
        """
        now = max(entry.received_at for entry in entries)
        met = self._fresh(project_id, entries, skipped)
        if not met:
            return []
        told: list[Told] = []
        with self._database.writing() as connection:
            known = self._grouped(connection, project_id, met, now, told)
            hour = groupings.counted(connection, [one.id for one in known.values()], now // HOUR)
        self._events.write(kept_of(met, known, hour))
        with self._database.writing() as connection:
            self._count(connection, project_id, met, known, now)
            touched = {one.issue_id for one in known.values()}
            told += self._move_on(connection, project_id, touched, met, known, now)
        return told

    def _fresh(self, project_id: int, entries: Iterable[Entry], skipped: Counter[str]) -> list[Met]:
        """Return the events that were not counted before, oldest first."""
        read = read_batch(_giving_way(entries), skipped)
        with self._database.reading() as connection:
            unseen = groupings.unseen(connection, project_id, [one.id for one in read])
        if len(unseen) < len(read):
            skipped[REPEATED] += len(read) - len(unseen)
        return [one for one in read if one.id in unseen]

    def _grouped(
        self,
        connection: Connection,
        project_id: int,
        met: Sequence[Met],
        now: Micros,
        told: list[Told],
    ) -> Known:
        """Return the groupings of *met* by fingerprint; new ones open errors, which are told."""
        wanted = {one.group.fingerprint for one in met}
        known = groupings.find(connection, project_id, wanted)
        for one in met:
            fingerprint = one.group.fingerprint
            if fingerprint in known:
                continue
            if errors.count_all(connection, project_id) < self._most:
                known[fingerprint] = self._open(connection, project_id, one, now, told)
            else:
                known[fingerprint] = self._overflow(connection, project_id, one, now, told)
        return known

    def _open(
        self, connection: Connection, project_id: int, met: Met, now: Micros, told: list[Told]
    ) -> Grouping:
        event, named = met.event, title(met.event)
        issue_id = errors.add(
            connection,
            {
                "project_id": project_id,
                "fingerprint": met.group.fingerprint,
                "title": named,
                "endpoint": event.endpoint,
                "release": event.release,
                "environment": event.environment,
                "opened_at": event.at,
                "changed_at": now,
                "seen_at": event.at,
                "place": place(event),
                "level": event.level,
                "first_release": event.release,
            },
        )
        issue = errors.find(connection, [issue_id])[issue_id]
        told.append(self._record(connection, issue, opened(now)))
        made = Grouping(
            id=0,
            issue_id=issue_id,
            fingerprint=met.group.fingerprint,
            title=named,
            because=met.group.because,
            events=0,
            first_at=event.at,
            last_at=event.at,
            specimen_at=0,
        )
        return groupings.add(connection, project_id, made)

    def _overflow(
        self, connection: Connection, project_id: int, met: Met, now: Micros, told: list[Told]
    ) -> Grouping:
        """Return the grouping that all errors share once there are too many."""
        shared = groupings.find(connection, project_id, [OVERFLOW]).get(OVERFLOW)
        if shared is not None:
            return shared
        because = (f"the project has {self._most:,} errors already, and these are all the others",)
        named = f"All errors beyond the {self._most:,} that a project may have"
        alone = met._replace(
            event=Event(id=met.event.id, at=met.event.at, message=named),
            group=Group(OVERFLOW, because),
        )
        return self._open(connection, project_id, alone, now, told)

    def _count(
        self,
        connection: Connection,
        project_id: int,
        met: Sequence[Met],
        known: Known,
        now: Micros,
    ) -> None:
        amounts, hours = count_up(met, known)
        groupings.mark_seen(connection, project_id, (one.id for one in met), now)
        groupings.count_events(connection, amounts)
        groupings.count_hours(connection, hours)
        groupings.keep_specimens(connection, specimens_of(met, known))
        errors.touch(connection, latest_of(met, known))
        pairs = [(known[one.group.fingerprint], one.event) for one in met]
        for version, at in self._traits.note(connection, pairs).items():
            workers.note_release(connection, project_id, version, at)

    def _move_on(
        self,
        connection: Connection,
        project_id: int,
        touched: Iterable[int],
        met: Sequence[Met],
        known: Known,
        now: Micros,
    ) -> list[Told]:
        """Record what the events change about the state of their errors."""
        found = errors.find(connection, touched)
        resolved = any(one.state is State.RESOLVED for one in found.values())
        released = errors.released(connection, project_id) if resolved else {}
        mine = by_issue(met, known)
        hours = groupings.hours(connection, found, now)
        told = []
        for issue in found.values():
            hour = hours[issue.id].get(now // HOUR, 0)
            burst = _burst(connection, issue, mine[issue.id], hour, now)
            step = next_change(issue, burst, released, now)
            if step is not None:
                told.append(self._record(connection, issue, step))
        return told

    def _record(self, connection: Connection, issue: ErrorIssue, step: Change) -> Told:
        facts = {"escalated_at": step.at} if step.kind is ChangeKind.ESCALATED else {}
        change_id = errors.record(connection, issue, step, **facts)
        if issue.is_alarming and self._alarms.may_sound(issue.project_id, step.at):
            channels.enqueue(connection, issue.project_id, change_id, step.at)
        return issue, step


def _giving_way(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield *entries*, and before each let go of the interpreter for whoever answers a client."""
    for entry in entries:
        sleep(0)
        yield entry


def _burst(
    connection: Connection, issue: ErrorIssue, events: Sequence[Event], hour: int, now: Micros
) -> Burst:
    begin = now - now % HOUR
    rises = hour >= ESCALATES_AT and now - issue.escalated_at >= CALM_AFTER
    since = max(begin - PAST, issue.opened_at - issue.opened_at % HOUR)
    old = begin - since >= DAY
    return Burst(
        at=max(one.at for one in events),
        count=issue.count,
        releases=frozenset(one.release for one in events),
        hour=hour,
        usual=errors.usual(connection, issue.id, since, begin) if rises and old else 0.0,
    )
