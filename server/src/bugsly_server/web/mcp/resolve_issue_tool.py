"""The tool that resolves an issue."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection

from bugsly_server.errors import Misconfigured
from bugsly_server.issue_changes import record_error_triage, record_leak_change
from bugsly_server.model.error_issue import ErrorIssue
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import Issue, IssueChange, IssueChangeKind, IssueState
from bugsly_server.model.outage import OutageIssue
from bugsly_server.web.mcp.caller import Caller, find_issue
from bugsly_server.web.mcp.get_issue_tool import IssueId


class ResolveIssue(Struct, forbid_unknown_fields=True, frozen=True):
    """Mark an issue as resolved, once its fix is deployed and a person agrees.

    Its history then names the owner of the token. The issue reopens if it was not fixed.
    """

    id: IssueId


def resolve_issue(caller: Caller, arguments: ResolveIssue) -> list[str]:
    """Resolve an issue that is not resolved yet; raise `NotFound` where there is none.

    Raises `Misconfigured` for a hindrance or an outage, which resolve themselves.
    """
    with caller.server.database.writing() as connection:
        project, issue = find_issue(connection, arguments.id)
        if issue.state is IssueState.RESOLVED:
            return [f"issue: {issue.id} is already resolved"]
        if isinstance(issue, HindranceIssue | OutageIssue):
            raise Misconfigured(f"issue: {issue.id} resolves itself → do what it says")
        _record_resolution(connection, issue, caller)
    caller.server.live_updates.publish({project.id})
    return [f"issue: {issue.id} is resolved now"]


def _record_resolution(connection: Connection, issue: Issue | ErrorIssue, caller: Caller) -> None:
    reason = f"{caller.account.name} resolved it through an assistant"
    finding = None if isinstance(issue, ErrorIssue) else issue.finding
    at, account_id = caller.server.clock(), caller.account.id
    change = IssueChange(kind=IssueChangeKind.RESOLVED, at=at, because=reason, finding=finding)
    if isinstance(issue, ErrorIssue):
        record_error_triage(
            connection, issue, change, account_id, resolved_after=None, ignored_until=None
        )
    else:
        record_leak_change(connection, issue.project_id, issue, change, account_id)
