"""Composes the alert of a change to an issue of any kind; errors are worded here."""

from __future__ import annotations

from bugsly_server.alert import hindrance, outage_message
from bugsly_server.alert.leak_message import (
    TITLE_PREFIXES,
    Alert,
    change_facts,
    compose_leak_alert,
    moment_of,
    one_line,
    sentence,
)
from bugsly_server.model import units
from bugsly_server.model.error_explanation import ErrorExplanation
from bugsly_server.model.error_issue import AnyIssue, ErrorIssue
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import Issue, IssueChange, IssueChangeKind
from bugsly_server.model.json_facts import explanation_facts
from bugsly_server.model.outage import OutageIssue

ERROR_TITLE_PREFIXES = TITLE_PREFIXES | {IssueChangeKind.OPENED: "New: "}


def compose_alert(
    project: str,
    issue: AnyIssue,
    change: IssueChange,
    url: str,
    explanation: ErrorExplanation | None,
) -> Alert:
    """Return the alert of *change* to *issue* of *project*, shown at *url*.

    *explanation* explains an error if a rule applies.
    """
    if isinstance(issue, Issue):
        return compose_leak_alert(project, issue, change, url)
    if isinstance(issue, HindranceIssue):
        return hindrance.compose_hindrance_alert(project, issue, change, url)
    if isinstance(issue, OutageIssue):
        return outage_message.compose_outage_alert(project, issue, change, url)
    return Alert(
        title=one_line(f"[{project}] {ERROR_TITLE_PREFIXES[change.kind]}{issue.title}"),
        lines=tuple(one_line(line) for line in _error_lines(issue, change, explanation) if line),
        url=url,
        facts={
            **change_facts(project, issue, change, kind="error", title=issue.title),
            "error": {
                "place": issue.place,
                "endpoint": issue.endpoint,
                "level": issue.level,
                "count": issue.count,
                "users": issue.users,
                "release": issue.release,
                "environment": issue.environment,
                "because": change.because,
                "explanation": None if explanation is None else explanation_facts(explanation),
            },
        },
    )


def _error_lines(
    issue: ErrorIssue, change: IssueChange, explanation: ErrorExplanation | None
) -> tuple[str, ...]:
    is_new = change.kind is IssueChangeKind.OPENED
    users = f" to {units.count(issue.users)} users" if issue.users > 1 else ""
    release = f" in release {issue.release}" if issue.release else ""
    environment = f" ({issue.environment})" if issue.environment else ""
    return (
        "" if is_new else sentence(change.because),
        f"Raised by {issue.place}." if issue.place else "",
        "" if explanation is None else f"{explanation.what} {explanation.why}",
        "" if explanation is None else f"Fix: {explanation.fix}",
        f"Endpoint: {issue.endpoint}" if issue.endpoint else "",
        "" if is_new else f"It has happened {units.count(issue.count)} times so far{users}.",
        f"Seen at {moment_of(change)}{release}{environment}.",
    )
