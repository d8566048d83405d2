"""The tool that resolves an issue."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection

from bugsly_server.errors import Misconfigured
from bugsly_server.model.error import ErrorIssue
from bugsly_server.model.held_back import HeldBack
from bugsly_server.model.issue import Change, ChangeKind, Issue, State
from bugsly_server.pipeline import record_change
from bugsly_server.store.meta import errors
from bugsly_server.web.mcp.caller import Caller, find_issue
from bugsly_server.web.mcp.told import IssueId


class ResolveIssue(Struct, forbid_unknown_fields=True, frozen=True):
    """Mark an issue as resolved, once its fix is deployed and a person agrees.

    Its story then names the owner of the token. What was not fixed opens it again.
    """

    id: IssueId


def resolve_issue(caller: Caller, given: ResolveIssue) -> list[str]:
    """Resolve an issue that is not resolved yet; raise `NotFound` where there is none.

    Raises `Misconfigured` for what only its own end resolves.
    """
    with caller.site.database.writing() as connection:
        project, found = find_issue(connection, given.id)
        if found.state is State.RESOLVED:
            return [f"issue: {found.id} is resolved already"]
        if isinstance(found, HeldBack):
            raise Misconfigured(f"issue: {found.id} is over by itself → do what it says")
        _record(connection, found, caller)
    caller.site.pulse.publish({project.id})
    return [f"issue: {found.id} is resolved now"]


def _record(connection: Connection, found: Issue | ErrorIssue, caller: Caller) -> None:
    because = f"{caller.account.name} resolved it through an assistant"
    finding = None if isinstance(found, ErrorIssue) else found.finding
    at, by = caller.site.clock(), caller.account.id
    step = Change(kind=ChangeKind.RESOLVED, at=at, because=because, finding=finding)
    if isinstance(found, ErrorIssue):
        errors.record(connection, found, step, by, resolved_after=None, ignored_until=None)
    else:
        record_change(connection, found.project_id, found, step, by)
