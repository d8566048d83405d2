"""Lets the leaks beyond those that a project may have share one issue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bugsly_server.detect.issue_matching import IssueMatch
from bugsly_server.model.issue import Finding

OVERFLOW_FINGERPRINT = "1/overflow"


def share_overflow(matches: Sequence[IssueMatch], max_leaks: int) -> list[IssueMatch]:
    """Return *matches*, of all leaks of a project, with at most as many as may open.

    The findings of the others become one finding, which belongs to the overflow issue.
    """
    known = [issue for issue, _ in matches if issue is not None]
    new = [finding for issue, finding in matches if issue is None and finding is not None]
    beyond = new[max(0, max_leaks - len(known)) :]
    if not beyond:
        return list(matches)
    overflow = next((one for one in known if one.fingerprint == OVERFLOW_FINGERPRINT), None)
    dropped = {finding.fingerprint for finding in beyond}
    kept = [
        (issue, finding)
        for issue, finding in matches
        if (issue is None or issue is not overflow)
        and not (issue is None and finding is not None and finding.fingerprint in dropped)
    ]
    return [*kept, (overflow, _overflow_finding(beyond, max_leaks))]


def _overflow_finding(findings: Sequence[Finding], max_leaks: int) -> Finding:
    first = findings[0]
    return replace(
        first,
        fingerprint=OVERFLOW_FINGERPRINT,
        environment="",
        title=f"All leaks beyond the {max_leaks:,} that a project may have",
        because=(
            f"the project has {max_leaks:,} leaks already; of {len(findings):,} others the first"
            f" is: {first.title}"
        ),
        forecast=None,
        diagnosis=None,
        explanation=None,
        recycled=None,
    )
