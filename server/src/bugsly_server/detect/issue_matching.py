"""Decides which issue a finding belongs to, when growth gets a cause and when it loses it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bugsly_server.fingerprint.growth import growth_fingerprint
from bugsly_server.model.issue import Finding, Issue, IssueState

IssueMatch = tuple[Issue | None, Finding | None]


def match_issues(known: Mapping[str, Issue], findings: Sequence[Finding]) -> list[IssueMatch]:
    """Return each of *findings* with its issue among *known*, and the issues without a finding.

    A cause takes over the open issue of the growth that it explains, or of a leak of the same
    workers that was known less precisely. A finding that an open issue describes more precisely
    already opens no other.
    """
    explained_environments = {
        one.finding.environment for one in known.values() if _names_a_cause(one)
    }
    matches: list[IssueMatch] = []
    matched = {finding.fingerprint for finding in findings}
    for finding in findings:
        unmatched = [one for name, one in known.items() if name not in matched]
        issue = known.get(finding.fingerprint) or _vaguer_issue(unmatched, finding)
        is_unexplained = finding.fingerprint == growth_fingerprint(finding.environment)
        is_explained = is_unexplained and finding.environment in explained_environments
        if issue is None and (
            is_explained or any(_is_more_precise(one, finding) for one in unmatched)
        ):
            continue
        if issue is not None:
            matched.add(issue.fingerprint)
        matches.append((issue, finding))
    return [*matches, *((one, None) for name, one in known.items() if name not in matched)]


def _vaguer_issue(issues: Collection[Issue], finding: Finding) -> Issue | None:
    """Return the one of *issues* that *finding* is to take over."""
    if finding.diagnosis is None or not finding.diagnosis.is_leak:
        return None
    unexplained = growth_fingerprint(finding.environment)
    for issue in issues:
        is_related = issue.fingerprint == unexplained or (
            _names_a_cause(issue) and _shares_workers(issue, finding)
        )
        if (
            issue.state is IssueState.OPEN
            and is_related
            and _precision(issue.finding) < _precision(finding)
        ):
            return issue
    return None


def _is_more_precise(issue: Issue, finding: Finding) -> bool:
    """Return whether *issue* is open for the same workers, and names more than *finding*."""
    is_leak = finding.diagnosis is not None and finding.diagnosis.is_leak
    precise = _precision(issue.finding) > _precision(finding)
    return is_leak and precise and _names_a_cause(issue) and _shares_workers(issue, finding)


def _precision(finding: Finding) -> int:
    """Return how much of a cause is named: nothing, that it leaks, the line, or the holder."""
    diagnosis = finding.diagnosis
    if diagnosis is None or not diagnosis.is_leak:
        return 0
    return 3 if diagnosis.holder else 2 if diagnosis.location.site else 1


def _shares_workers(issue: Issue, finding: Finding) -> bool:
    mine = {one.worker_id for one in finding.suspects}
    here = issue.finding.environment == finding.environment
    return here and any(one.worker_id in mine for one in issue.finding.suspects)


def _names_a_cause(issue: Issue) -> bool:
    diagnosis = issue.finding.diagnosis
    return issue.state is IssueState.OPEN and diagnosis is not None and diagnosis.is_leak
