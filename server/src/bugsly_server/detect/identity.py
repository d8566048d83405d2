"""Which issue a finding belongs to, when a growth gets a name and when it loses it again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bugsly_server.detect.finding import fingerprint
from bugsly_server.model.issue import Finding, Issue, State

Pair = tuple[Issue | None, Finding | None]


def pair(known: Mapping[str, Issue], found: Sequence[Finding]) -> list[Pair]:
    """Return each of *found* with its issue among *known*, and the issues nothing speaks for.

    A cause takes over the open issue of the growth that it explains, or of the same workers' leak
    that was known less well. What is told better by an open issue already, and is only not seen so
    well at this moment, opens no other.
    """
    told = {one.finding.environment for one in known.values() if _names_a_cause(one)}
    pairs: list[Pair] = []
    taken = {finding.fingerprint for finding in found}
    for finding in found:
        silent = [one for name, one in known.items() if name not in taken]
        issue = known.get(finding.fingerprint) or _vaguer(silent, finding)
        is_bare = finding.fingerprint == fingerprint(finding.environment)
        better = is_bare and finding.environment in told
        if issue is None and (better or any(_tells_better(one, finding) for one in silent)):
            continue
        if issue is not None:
            taken.add(issue.fingerprint)
        pairs.append((issue, finding))
    return [*pairs, *((one, None) for name, one in known.items() if name not in taken)]


def _vaguer(issues: Collection[Issue], finding: Finding) -> Issue | None:
    """Return the one of *issues* that *finding* is to take over."""
    if finding.diagnosis is None or not finding.diagnosis.is_leak:
        return None
    bare = fingerprint(finding.environment)
    for one in issues:
        of_it = one.fingerprint == bare or (_names_a_cause(one) and _shares_workers(one, finding))
        if one.state is State.OPEN and of_it and _precision(one.finding) < _precision(finding):
            return one
    return None


def _tells_better(issue: Issue, finding: Finding) -> bool:
    """Return whether *issue* is open for the same workers, and names more than *finding*."""
    is_leak = finding.diagnosis is not None and finding.diagnosis.is_leak
    precise = _precision(issue.finding) > _precision(finding)
    return is_leak and precise and _names_a_cause(issue) and _shares_workers(issue, finding)


def _precision(finding: Finding) -> int:
    """Return how much of a cause is named: nothing, that it leaks, the line, or the holder."""
    diagnosis = finding.diagnosis
    if diagnosis is None or not diagnosis.is_leak:
        return 0
    return 3 if diagnosis.holder else 2 if diagnosis.site else 1


def _shares_workers(issue: Issue, finding: Finding) -> bool:
    mine = {one.worker_id for one in finding.suspects}
    here = issue.finding.environment == finding.environment
    return here and any(one.worker_id in mine for one in issue.finding.suspects)


def _names_a_cause(issue: Issue) -> bool:
    diagnosis = issue.finding.diagnosis
    return issue.state is State.OPEN and diagnosis is not None and diagnosis.is_leak
