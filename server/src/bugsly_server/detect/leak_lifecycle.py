"""Moves an issue from finding to finding: opened, worsened, quiet, back, resolved."""

from __future__ import annotations

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros, has_passed, is_ahead
from bugsly_server.model.issue import Finding, Issue, IssueChange, IssueChangeKind, IssueState
from bugsly_server.model.units import duration

MIN_ALERT_GAP: Micros = 10 * MINUTE
"""Two alerts of one issue are never closer than this, but for one that a person caused."""
QUIET_AFTER: Micros = 30 * MINUTE
RESOLVED_AFTER: Micros = 3 * DAY
MAX_SOON_SECONDS = float(HOUR // SECOND)
REPORTED_SOON_SLACK = 0.5
RECYCLING_ALERT_GAP: Micros = DAY
"""How often an issue is reported while workers are recycled, so that this hides no leak."""


def next_leak_change(
    issue: Issue | None, finding: Finding | None, now: Micros, watched_since: Micros
) -> IssueChange | None:
    """Return what *finding* changes about *issue*, the one it belongs to, or None.

    *finding* is None where detection found nothing; do not call it while no worker reports.
    *watched_since* is when workers began to report without a gap: an issue is quiet only for as
    long as it was watched.
    """
    if finding is None:
        return None if issue is None else _quieting_change(issue, now, watched_since)
    if issue is None:
        return IssueChange(
            kind=IssueChangeKind.OPENED, at=now, because=finding.because, finding=finding
        )
    if issue.fingerprint != finding.fingerprint:
        return IssueChange(
            kind=IssueChangeKind.NAMED, at=now, because=finding.because, finding=finding
        )
    if issue.state is IssueState.OPEN:
        return _worsened_change(issue, finding, now)
    if issue.state is IssueState.RESOLVED and not _is_new_since(issue, finding, now):
        return None
    because = finding.because
    if issue.proof is not None:
        because = f"a regression: it was fixed in {issue.proof.after.release}, and grows again"
    return IssueChange(kind=IssueChangeKind.CAME_BACK, at=now, because=because, finding=finding)


def _is_new_since(issue: Issue, finding: Finding, now: Micros) -> bool:
    """Return whether *finding* rests on workers that started after a person resolved the issue.

    Those that ran then still carry the old code, or the old memory, and prove nothing. So do
    those of the time before the release that fixed it.
    """
    since = issue.resolved_at if issue.proof is None else issue.proof.after.since - SECOND
    if since is None:
        return True
    starts = [now - round(suspect.age * SECOND) for suspect in finding.suspects]
    return max(starts, default=finding.since) > since


def _worsened_change(issue: Issue, finding: Finding, now: Micros) -> IssueChange | None:
    if not has_passed(MIN_ALERT_GAP, issue.changed_at, now):
        return None
    reported = issue.reported or issue.finding
    because = ""
    if finding.scope.width > reported.scope.width:
        because = f"it was {reported.scope}, and is {finding.scope} now"
    elif finding.recycled is not None and _is_recycling_alert_due(issue, reported, now):
        because = f"its workers were {finding.recycled.because}"
    elif _is_soon(finding) and not _is_soon(reported, slack=REPORTED_SOON_SLACK):
        expected = finding.forecast.expected if finding.forecast else 0.0
        because = f"memory runs out in about {duration(expected)}"
    if not because:
        return None
    return IssueChange(kind=IssueChangeKind.WORSENED, at=now, because=because, finding=finding)


def _is_recycling_alert_due(issue: Issue, reported: Finding, now: Micros) -> bool:
    """Return whether recycling was never reported, or not within a day."""
    return reported.recycled is None or has_passed(RECYCLING_ALERT_GAP, issue.changed_at, now)


def _is_soon(finding: Finding, slack: float = 1.0) -> bool:
    """Return whether the limit is less than an hour away; *slack* < 1 asks for a margin."""
    return finding.forecast is not None and finding.forecast.expected * slack < MAX_SOON_SECONDS


def _quieting_change(issue: Issue, now: Micros, watched_since: Micros) -> IssueChange | None:
    seen_at = watched_since if is_ahead(issue.seen_at, now) else issue.seen_at
    quiet = now - max(seen_at, watched_since)
    if issue.state is IssueState.OPEN and quiet >= QUIET_AFTER:
        because = f"no worker has grown for {duration(quiet / SECOND)}"
        return IssueChange(kind=IssueChangeKind.QUIETED, at=now, because=because, finding=None)
    if issue.state is IssueState.QUIET and now - issue.changed_at >= RESOLVED_AFTER:
        because = f"it was quiet for {duration((now - issue.changed_at) / SECOND)}"
        return IssueChange(kind=IssueChangeKind.RESOLVED, at=now, because=because, finding=None)
    return None
