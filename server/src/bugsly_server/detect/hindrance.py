"""Decides when a person is to be told that workers cannot be recycled, and that they can again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bugsly.protocol.safety_net import Hindrance, RecyclerReport
from bugsly_server.clock import MINUTE, SECOND, Micros
from bugsly_server.detect.leak_lifecycle import MIN_ALERT_GAP
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import IssueChange, IssueChangeKind, IssueState
from bugsly_server.model.units import duration

MIN_HINDERED_TIME: Micros = 5 * MINUTE
"""A deploy or a slow start hinders for less."""
HINDRANCE_OVER_AFTER: Micros = 30 * MINUTE
"""Without it: what comes and goes, as a budget that is used up again and again, is told once."""
IMMEDIATE_HINDRANCES = frozenset({Hindrance.UNSUPPORTED, Hindrance.FRESH})
"""What only another setting ends."""
REASON_PREFIX = "recycling: "


class HindrancePeriod(NamedTuple):
    """Since when workers are held back, and when they were last."""

    since: Micros
    last_seen: Micros


def next_period(
    period: HindrancePeriod | None,
    statuses: Sequence[RecyclerReport],
    issue: HindranceIssue | None,
    now: Micros,
) -> HindrancePeriod | None:
    """Return what follows from *statuses*, those that are held back now, after *period*.

    Who has only begun to look goes by the issue that is *issue*.
    """
    if period is None and issue is not None and issue.state is IssueState.OPEN:
        period = HindrancePeriod(since=now, last_seen=now)
    if statuses:
        return HindrancePeriod(since=now if period is None else period.since, last_seen=now)
    return period if period is not None and now - period.last_seen < HINDRANCE_OVER_AFTER else None


def next_hindrance_change(
    issue: HindranceIssue | None,
    statuses: Sequence[RecyclerReport],
    period: HindrancePeriod | None,
    now: Micros,
) -> IssueChange | None:
    """Return what is to be told now, if anything."""
    if issue is not None and issue.state is IssueState.OPEN:
        if period is not None:
            return None
        because = f"no worker has been held back for {duration(HINDRANCE_OVER_AFTER / SECOND)}"
        return IssueChange(kind=IssueChangeKind.RESOLVED, at=now, because=because, finding=None)
    if issue is not None and now - issue.changed_at < MIN_ALERT_GAP:
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
