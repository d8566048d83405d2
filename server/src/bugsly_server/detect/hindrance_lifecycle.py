"""Decides when to alert that workers cannot be recycled, and when that they can again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bugsly.protocol.safety_net import Hindrance, RecyclerReport
from bugsly_server.clock import MINUTE, SECOND, Micros, has_passed
from bugsly_server.detect.leak_lifecycle import MIN_ALERT_GAP
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import IssueChange, IssueChangeKind, IssueState
from bugsly_server.model.units import duration

MIN_HINDERED_TIME: Micros = 5 * MINUTE
"""A deploy or a slow start hinders for less."""
HINDRANCE_OVER_AFTER: Micros = 30 * MINUTE
"""Time without it. A hindrance that comes and goes, as a daily budget, is reported once."""
IMMEDIATE_HINDRANCES = frozenset({Hindrance.UNSUPPORTED, Hindrance.FRESH})
"""What only another setting ends."""
REASON_PREFIX = "recycling: "


class HindrancePeriod(NamedTuple):
    """Since when workers are hindered, and when they were last."""

    since: Micros
    last_seen: Micros


def next_period(
    period: HindrancePeriod | None,
    statuses: Sequence[RecyclerReport],
    issue: HindranceIssue | None,
    now: Micros,
) -> HindrancePeriod | None:
    """Return the period that follows *period*, given the *statuses* that are hindered now.

    A server that has just started takes the period from *issue*.
    """
    if period is None and issue is not None and issue.state is IssueState.OPEN:
        period = HindrancePeriod(since=now, last_seen=now)
    if statuses:
        return HindrancePeriod(since=now if period is None else period.since, last_seen=now)
    if period is None or has_passed(HINDRANCE_OVER_AFTER, period.last_seen, now):
        return None
    return period


def next_hindrance_change(
    issue: HindranceIssue | None,
    statuses: Sequence[RecyclerReport],
    period: HindrancePeriod | None,
    now: Micros,
) -> IssueChange | None:
    """Return the change to report now, if any."""
    if issue is not None and issue.state is IssueState.OPEN:
        if period is not None:
            return None
        because = f"no worker has been held back for {duration(HINDRANCE_OVER_AFTER / SECOND)}"
        return IssueChange(kind=IssueChangeKind.RESOLVED, at=now, because=because, finding=None)
    if issue is not None and not has_passed(MIN_ALERT_GAP, issue.changed_at, now):
        return None
    is_immediate = any(status.hindrance in IMMEDIATE_HINDRANCES for status in statuses)
    if (
        period is None
        or not statuses
        or not (is_immediate or now - period.since >= MIN_HINDERED_TIME)
    ):
        return None
    kind = IssueChangeKind.OPENED if issue is None else IssueChangeKind.CAME_BACK
    return IssueChange(kind=kind, at=now, because=describe_hindrances(statuses), finding=None)


def describe_hindrances(statuses: Sequence[RecyclerReport]) -> str:
    """Return what hinders and what to do, each hindrance once."""
    reasons = {status.hindrance: status.because.removeprefix(REASON_PREFIX) for status in statuses}
    return "; ".join(reasons.values())
