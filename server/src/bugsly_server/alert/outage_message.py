"""Composes the alert that something stopped, and the alert that it goes on again."""

from __future__ import annotations

from bugsly_server.alert.leak_message import (
    TITLE_PREFIXES,
    Alert,
    change_facts,
    moment_of,
    one_line,
    sentence,
)
from bugsly_server.model.issue import IssueChange, IssueChangeKind
from bugsly_server.model.outage import OutageIssue


def compose_outage_alert(project: str, issue: OutageIssue, change: IssueChange, url: str) -> Alert:
    """Return the alert of *change* to what stopped in *project*, shown at *url*."""
    is_over = change.kind is IssueChangeKind.RESOLVED
    fact, _, advice = change.because.partition(" → ")
    lines = (
        sentence(fact),
        sentence(advice) if advice else "",
        "" if is_over else "Another alert follows once it is over.",
        f"Seen at {moment_of(change)}.",
    )
    return Alert(
        title=one_line(f"[{project}] {TITLE_PREFIXES[change.kind]}{issue.title}"),
        lines=tuple(one_line(line) for line in lines if line),
        url=url,
        facts={
            **change_facts(project, issue, change, kind="outage", title=issue.title),
            "outage": {"what": issue.kind, "because": change.because},
        },
    )
