"""Which issue a finding belongs to, when a growth gets a name and when it loses it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bugsly_server.detect.finding import fingerprint
from bugsly_server.model.issue import Finding, Issue, State

Pair = tuple[Issue | None, Finding | None]


def pair(known: Mapping[str, Issue], found: Sequence[Finding]) -> list[Pair]:
    """Return each of *found* with its issue among *known*, and the issues nothing speaks for.

    A cause takes over the open issue of the growth that it explains. A growth whose cause is told
    by an open issue already, and is only not seen at this moment, opens no other.
    """
    told = {one.finding.environment for one in known.values() if _names_a_cause(one)}
    pairs: list[Pair] = []
    taken: set[str] = set()
    for finding in found:
        issue = known.get(finding.fingerprint)
        bare = fingerprint(finding.environment)
        growth = known.get(bare)
        if issue is None and _takes_over(finding, growth) and growth not in [p[0] for p in pairs]:
            issue = growth
        if issue is None and finding.fingerprint == bare and finding.environment in told:
            continue
        if issue is not None:
            taken.add(issue.fingerprint)
        pairs.append((issue, finding))
    return [*pairs, *((one, None) for name, one in known.items() if name not in taken)]


def _takes_over(finding: Finding, growth: Issue | None) -> bool:
    if growth is None or growth.state is not State.OPEN:
        return False
    return finding.diagnosis is not None and finding.diagnosis.is_leak


def _names_a_cause(issue: Issue) -> bool:
    diagnosis = issue.finding.diagnosis
    return issue.state is State.OPEN and diagnosis is not None and diagnosis.is_leak
