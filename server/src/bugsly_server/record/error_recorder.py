"""Records a batch of events: bodies in their day files, what they have in common in meta."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection

from bugsly_server.clock import DAY, HOUR, Micros, has_passed
from bugsly_server.decode.batch import REPEATED_EVENT
from bugsly_server.detect.error_lifecycle import (
    MIN_ESCALATION_EVENTS,
    MIN_ESCALATION_GAP,
    next_error_change,
    opening_change,
)
from bugsly_server.fingerprint.error import ErrorGroup
from bugsly_server.fingerprint.error_title import error_location, error_title
from bugsly_server.issue_changes import record_error_change
from bugsly_server.model.error_issue import ErrorIssue, EventBurst
from bugsly_server.model.event import ErrorEvent
from bugsly_server.model.issue import IssueChange, IssueState
from bugsly_server.model.project_limits import RELEASES_REASON, ProjectLimits
from bugsly_server.record.alert_rate_limit import AlertRateLimit
from bugsly_server.record.event_batch import (
    GroupedEvent,
    GroupingsByFingerprint,
    count_events,
    events_by_issue,
    events_to_keep,
    latest_facts,
    specimens_to_keep,
)
from bugsly_server.record.issue_tags import IssueTagRecorder
from bugsly_server.store.meta import error_issues, groupings, releases
from bugsly_server.store.meta.database import Database
from bugsly_server.store.meta.groupings import Grouping
from bugsly_server.store.ports import EventStore

OVERFLOW_FINGERPRINT = "1/overflow"
BASELINE_SPAN: Micros = 7 * DAY

ErrorChange = tuple[ErrorIssue, IssueChange]


class ErrorRecorder:
    """Records events; *limits* say how many a project may have before they share one."""

    def __init__(self, database: Database, events: EventStore, limits: ProjectLimits) -> None:
        self._database = database
        self._events = events
        self._max_errors = limits.errors
        self._max_releases = limits.releases
        self._tag_recorder = IssueTagRecorder(limits.tags)
        self._alert_rate_limit = AlertRateLimit()

    def record(
        self,
        project_id: int,
        events: Sequence[GroupedEvent],
        skipped: Counter[str],
        now: Micros,
    ) -> list[ErrorChange]:
        """Store *events*, of one project, oldest first; return what they change about its errors.

        A crash may end it after any write. What events are grouped by comes first, because bodies
        are stored under the ids that meta gives. Then the bodies, which are stored once however
        often they are written. Events are counted last, together with the note that they are.
        """
        uncounted = self._drop_counted(project_id, events, skipped)
        if not uncounted:
            return []
        changes: list[ErrorChange] = []
        with self._database.writing() as connection:
            known = self._ensure_groupings(connection, project_id, uncounted, now, changes)
            hour = groupings.events_in_hour(
                connection, [one.id for one in known.values()], now // HOUR
            )
        self._events.write(events_to_keep(uncounted, known, hour))
        with self._database.writing() as connection:
            self._count(connection, project_id, uncounted, known, now)
            self._record_tags(connection, project_id, uncounted, known, skipped)
            changes += self._change_states(connection, project_id, uncounted, known, now)
        return changes

    def _drop_counted(
        self, project_id: int, events: Sequence[GroupedEvent], skipped: Counter[str]
    ) -> list[GroupedEvent]:
        """Return the events that were not counted before."""
        with self._database.reading() as connection:
            unseen = groupings.unseen(connection, project_id, [one.id for one in events])
        if len(unseen) < len(events):
            skipped[REPEATED_EVENT] += len(events) - len(unseen)
        return [one for one in events if one.id in unseen]

    def _ensure_groupings(
        self,
        connection: Connection,
        project_id: int,
        events: Sequence[GroupedEvent],
        now: Micros,
        changes: list[ErrorChange],
    ) -> GroupingsByFingerprint:
        """Return the groupings of *events*; a new one opens an error, which joins *changes*."""
        fingerprints = {one.group.fingerprint for one in events}
        known = groupings.find(connection, project_id, fingerprints)
        for grouped in events:
            fingerprint = grouped.group.fingerprint
            if fingerprint in known:
                continue
            if error_issues.count_all(connection, project_id) < self._max_errors:
                known[fingerprint] = self._open_error(connection, project_id, grouped, now, changes)
            else:
                known[fingerprint] = self._overflow_grouping(
                    connection, project_id, grouped, now, changes
                )
        return known

    def _open_error(
        self,
        connection: Connection,
        project_id: int,
        grouped: GroupedEvent,
        now: Micros,
        changes: list[ErrorChange],
    ) -> Grouping:
        event, title = grouped.event, error_title(grouped.event)
        issue_id = error_issues.add(
            connection,
            {
                "project_id": project_id,
                "fingerprint": grouped.group.fingerprint,
                "title": title,
                "endpoint": event.endpoint,
                "release": event.release,
                "environment": event.environment,
                "opened_at": event.at,
                "changed_at": now,
                "seen_at": event.at,
                "place": error_location(event),
                "level": event.level,
                "first_release": event.release,
            },
        )
        issue = error_issues.find(connection, [issue_id])[issue_id]
        changes.append(self._record_change(connection, issue, opening_change(now)))
        made = Grouping(
            id=0,
            issue_id=issue_id,
            fingerprint=grouped.group.fingerprint,
            title=title,
            because=grouped.group.reasons,
            events=0,
            first_at=event.at,
            last_at=event.at,
            specimen_at=0,
        )
        return groupings.add(connection, project_id, made)

    def _overflow_grouping(
        self,
        connection: Connection,
        project_id: int,
        grouped: GroupedEvent,
        now: Micros,
        changes: list[ErrorChange],
    ) -> Grouping:
        """Return the grouping that all further errors share once there are too many."""
        shared = groupings.find(connection, project_id, [OVERFLOW_FINGERPRINT]).get(
            OVERFLOW_FINGERPRINT
        )
        if shared is not None:
            return shared
        because = (
            f"the project has {self._max_errors:,} errors already, and these are all the others",
        )
        title = f"All errors beyond the {self._max_errors:,} that a project may have"
        stand_in = grouped._replace(
            event=ErrorEvent(id=grouped.event.id, at=grouped.event.at, message=title),
            group=ErrorGroup(OVERFLOW_FINGERPRINT, because),
        )
        return self._open_error(connection, project_id, stand_in, now, changes)

    def _count(
        self,
        connection: Connection,
        project_id: int,
        events: Sequence[GroupedEvent],
        known: GroupingsByFingerprint,
        now: Micros,
    ) -> None:
        amounts, hours = count_events(events, known)
        groupings.mark_seen(connection, project_id, (one.id for one in events), now)
        groupings.count_events(connection, amounts)
        groupings.count_hours(connection, hours)
        groupings.save_specimens(connection, specimens_to_keep(events, known))
        error_issues.update_latest(connection, latest_facts(events, known))

    def _record_tags(
        self,
        connection: Connection,
        project_id: int,
        events: Sequence[GroupedEvent],
        known: GroupingsByFingerprint,
        skipped: Counter[str],
    ) -> None:
        """Store what *events* were seen with, and the releases that are new."""
        pairs = [(known[one.group.fingerprint], one.event) for one in events]
        versions = self._tag_recorder.record(connection, project_id, pairs, skipped)
        for version, at in versions.items():
            is_noted = releases.note(connection, project_id, version, at, self._max_releases)
            skipped[RELEASES_REASON] += not is_noted

    def _change_states(
        self,
        connection: Connection,
        project_id: int,
        events: Sequence[GroupedEvent],
        known: GroupingsByFingerprint,
        now: Micros,
    ) -> list[ErrorChange]:
        """Record what the counted *events* change about the state of their errors."""
        found = error_issues.find(connection, {one.issue_id for one in known.values()})
        resolved = [one for one in found.values() if one.state is IssueState.RESOLVED]
        versions = {one.event.release for one in events if resolved}
        versions.update(one.resolved_after for one in resolved if one.resolved_after)
        released = releases.first_seen(connection, project_id, versions)
        issue_events = events_by_issue(events, known)
        hours = groupings.events_by_hour(connection, found, now)
        changes = []
        for issue in found.values():
            hour = hours[issue.id].get(now // HOUR, 0)
            burst = _measure_burst(connection, issue, issue_events[issue.id], hour, now)
            change = next_error_change(issue, burst, released, now)
            if change is not None:
                changes.append(self._record_change(connection, issue, change))
        return changes

    def _record_change(
        self, connection: Connection, issue: ErrorIssue, change: IssueChange
    ) -> ErrorChange:
        may_alert = self._alert_rate_limit.may_alert
        return record_error_change(connection, issue, change, may_alert), change


def _measure_burst(
    connection: Connection, issue: ErrorIssue, events: Sequence[ErrorEvent], hour: int, now: Micros
) -> EventBurst:
    begin = now - now % HOUR
    may_escalate = hour >= MIN_ESCALATION_EVENTS and has_passed(
        MIN_ESCALATION_GAP, issue.escalated_at, now
    )
    since = max(begin - BASELINE_SPAN, issue.opened_at - issue.opened_at % HOUR)
    has_baseline = begin - since >= DAY
    return EventBurst(
        at=max(one.at for one in events),
        count=issue.count,
        releases=frozenset(one.release for one in events),
        hour=hour,
        usual=error_issues.usual_hourly_rate(connection, issue.id, since, begin)
        if may_escalate and has_baseline
        else 0.0,
    )
