"""Moves an error from batch to batch: opened, back, escalating."""

from __future__ import annotations

from collections.abc import Mapping

from bugsly_server.clock import DAY, Micros, has_passed
from bugsly_server.model.error_issue import ErrorIssue, EventBurst
from bugsly_server.model.issue import IssueChange, IssueChangeKind, IssueState
from bugsly_server.model.units import count

MIN_ESCALATION_EVENTS = 20
"""Events an hour below which no rate is worth an alert."""
ESCALATION_FACTOR = 8.0
"""An hour with so many times the usual events is an escalation."""
MIN_ESCALATION_GAP: Micros = DAY
"""Between two escalations of one error."""


def next_error_change(
    issue: ErrorIssue, burst: EventBurst, released: Mapping[str, Micros], now: Micros
) -> IssueChange | None:
    """Return what *burst* changes about *issue*, or None.

    *released* says when each release was first seen.
    """
    if issue.state is IssueState.RESOLVED:
        because = _comeback_reason(issue, burst, released)
        kind = IssueChangeKind.CAME_BACK
    elif issue.state is IssueState.IGNORED:
        because = _unignored_reason(issue, burst, now)
        kind = IssueChangeKind.CAME_BACK
    else:
        because = _escalation_reason(issue, burst, now)
        kind = IssueChangeKind.ESCALATED
    return IssueChange(kind=kind, at=now, because=because, finding=None) if because else None


def opening_change(now: Micros) -> IssueChange:
    """Return the change that opens an error."""
    return IssueChange(kind=IssueChangeKind.OPENED, at=now, because="not seen before", finding=None)


def _comeback_reason(issue: ErrorIssue, burst: EventBurst, released: Mapping[str, Micros]) -> str:
    """Return why it is back; empty where the events are from code that was not fixed yet.

    An error resolved "in the next release" comes back only with a release that was first seen
    after the one that was the newest then. Otherwise any event that happened later brings it back.
    """
    if issue.resolved_at is None or burst.at <= issue.resolved_at:
        return ""
    if issue.resolved_after is None:
        where = f" in release {issue.release}" if issue.release else ""
        return f"it happened again{where} after it was resolved"
    since = released.get(issue.resolved_after, issue.resolved_at)
    later = [one for one in burst.releases if released.get(one, 0) > since]
    if not later:
        return ""
    first = min(later, key=lambda release: released[release])
    return f"it happened again in release {first}, and {issue.resolved_after} was to be the last"


def _unignored_reason(issue: ErrorIssue, burst: EventBurst, now: Micros) -> str:
    if issue.ignored_until is not None and burst.count >= issue.ignored_until:
        return f"it was ignored until it had happened {count(issue.ignored_until)} times"
    if issue.snoozed_until is not None and now >= issue.snoozed_until:
        return "it was ignored for a while, and still happens"
    return ""


def _escalation_reason(issue: ErrorIssue, burst: EventBurst, now: Micros) -> str:
    if (
        not has_passed(MIN_ESCALATION_GAP, issue.escalated_at, now)
        or burst.hour < MIN_ESCALATION_EVENTS
        or not burst.usual
    ):
        return ""
    if burst.hour < ESCALATION_FACTOR * burst.usual:
        return ""
    return f"it happened {count(burst.hour)} times this hour, and usually {burst.usual:.2g} times"
