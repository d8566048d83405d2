"""Says what changed about an error, and lets an alert be told of an issue of any kind."""

from __future__ import annotations

from datetime import UTC, datetime

from bugsly_server.alert import held_back
from bugsly_server.alert.message import OPENINGS, Alert, change_facts, compose, one_line, sentence
from bugsly_server.clock import SECOND
from bugsly_server.model import units
from bugsly_server.model.error import AnyIssue, ErrorIssue
from bugsly_server.model.error_explanation import ErrorExplanation
from bugsly_server.model.facts import explanation_facts
from bugsly_server.model.held_back import HeldBack
from bugsly_server.model.issue import Change, ChangeKind, Issue

LEADS = OPENINGS | {ChangeKind.OPENED: "New: "}


def tell(
    project: str, issue: AnyIssue, change: Change, url: str, why: ErrorExplanation | None
) -> Alert:
    """Return the alert of *change*, which happened to *issue* of *project*, shown at *url*.

    *why* explains an error, where a rule knows it.
    """
    if isinstance(issue, Issue):
        return compose(project, issue, change, url)
    if isinstance(issue, HeldBack):
        return held_back.compose(project, issue, change, url)
    return Alert(
        title=one_line(f"[{project}] {LEADS[change.kind]}{issue.title}"),
        lines=tuple(one_line(line) for line in _lines(issue, change, why) if line),
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
                "explanation": None if why is None else explanation_facts(why),
            },
        },
    )


def _lines(issue: ErrorIssue, change: Change, why: ErrorExplanation | None) -> tuple[str, ...]:
    is_new = change.kind is ChangeKind.OPENED
    users = f" to {units.count(issue.users)} users" if issue.users > 1 else ""
    moment = datetime.fromtimestamp(change.at / SECOND, UTC)
    release = f" in release {issue.release}" if issue.release else ""
    environment = f" ({issue.environment})" if issue.environment else ""
    return (
        "" if is_new else sentence(change.because),
        f"Raised by {issue.place}." if issue.place else "",
        "" if why is None else f"{why.what} {why.why}",
        "" if why is None else f"Fix: {why.fix}",
        f"Endpoint: {issue.endpoint}" if issue.endpoint else "",
        "" if is_new else f"It has happened {units.count(issue.count)} times so far{users}.",
        f"Seen at {moment:%Y-%m-%d %H:%M} UTC{release}{environment}.",
    )
