"""Composes the alert that workers cannot be recycled, and the alert that they can again."""

from __future__ import annotations

from bugsly_server.alert.leak_message import (
    TITLE_PREFIXES,
    Alert,
    change_facts,
    moment_of,
    one_line,
    sentence,
)
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import IssueChange, IssueChangeKind

CONSEQUENCE = "Until then, workers that grow are not recycled, and memory may run out."
FOLLOW_UPS = {
    True: "Another alert follows if it is held back again.",
    False: "The next alert follows once nothing has held it back for half an hour.",
}


def compose_hindrance_alert(
    project: str, issue: HindranceIssue, change: IssueChange, url: str
) -> Alert:
    """Return the alert of *change* to the safety net of *project*, shown at *url*."""
    is_over = change.kind is IssueChangeKind.RESOLVED
    environment = f" ({issue.environment})" if issue.environment else ""
    lines = (
        sentence(change.because),
        "" if is_over else CONSEQUENCE,
        FOLLOW_UPS[is_over],
        f"Seen at {moment_of(change)}{environment}.",
    )
    return Alert(
        title=one_line(f"[{project}] {TITLE_PREFIXES[change.kind]}{issue.title}"),
        lines=tuple(one_line(line) for line in lines if line),
        url=url,
        facts={
            **change_facts(project, issue, change, kind="net", title=issue.title),
            "net": {"because": change.because, "environment": issue.environment},
        },
    )
