"""Records changes of issues, for the pipeline, the web pages and the MCP tools.

Each function stores the change, enqueues its alert unless the issue is snoozed or not worth one,
and returns the issue as it is after the change, all in the transaction of the connection.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from bugsly_server.clock import Micros
from bugsly_server.model.error_issue import AnyIssue, ErrorIssue
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import Issue, IssueChange, IssueChangeKind
from bugsly_server.store.meta import channels, error_issues, hindrance_issues, leak_issues

MayAlert = Callable[[int, Micros], bool]
"""Returns whether one more alert of a project may go out at a moment; it then counts."""


def record_leak_change(
    connection: Connection,
    project_id: int,
    known: Issue | None,
    change: IssueChange,
    account_id: int | None = None,
    may_alert: MayAlert | None = None,
) -> Issue:
    """Record *change*, which opens a leak where *known* is None; *account_id* is who made it.

    Alert within the limit of *may_alert*, if there is one.
    """
    issue_id, change_id = leak_issues.record_change(
        connection, project_id, known, change, account_id
    )
    issue = leak_issues.get(connection, project_id, issue_id)
    assert issue is not None, "its change was stored above"
    _enqueue_alert(connection, issue, change_id, change.at, may_alert)
    return issue


def record_error_change(
    connection: Connection, known: ErrorIssue, change: IssueChange, may_alert: MayAlert
) -> ErrorIssue:
    """Record *change*, which events made of *known*; alert within the limit of *may_alert*."""
    facts = {"escalated_at": change.at} if change.kind is IssueChangeKind.ESCALATED else {}
    change_id = error_issues.record_change(connection, known, change, **facts)
    issue = error_issues.find(connection, [known.id])[known.id]
    _enqueue_alert(connection, issue, change_id, change.at, may_alert)
    return issue


def record_error_triage(
    connection: Connection,
    known: ErrorIssue,
    change: IssueChange,
    account_id: int,
    **columns: object,
) -> ErrorIssue:
    """Record *change*, which a person made of *known*, and *columns* of the error; alert nobody."""
    error_issues.record_change(connection, known, change, account_id, **columns)
    return error_issues.find(connection, [known.id])[known.id]


def record_hindrance_change(
    connection: Connection,
    project_id: int,
    known: HindranceIssue | None,
    change: IssueChange,
    environment: str,
) -> HindranceIssue:
    """Record *change*, which opens the project's hindrance where *known* is None."""
    change_id = hindrance_issues.record_change(connection, project_id, known, change, environment)
    issue = hindrance_issues.get_for_project(connection, project_id)
    assert issue is not None, "its change was stored above"
    _enqueue_alert(connection, issue, change_id, change.at)
    return issue


def _enqueue_alert(
    connection: Connection,
    issue: AnyIssue,
    change_id: int,
    at: Micros,
    may_alert: MayAlert | None = None,
) -> None:
    """Enqueue the alert of a change, unless its issue is snoozed or not worth one."""
    if _is_worth_an_alert(issue, at) and (may_alert is None or may_alert(issue.project_id, at)):
        channels.enqueue(connection, issue.project_id, change_id, at)


def _is_worth_an_alert(issue: AnyIssue, at: Micros) -> bool:
    match issue:
        case Issue():
            return issue.finding.is_alarming and not issue.is_snoozed(at)
        case ErrorIssue():
            return issue.is_alarming
        case HindranceIssue():
            return True
