"""The tool that reads one issue."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection

from bugsly_server.clock import SECOND
from bugsly_server.explain.leak_markdown import render_leak_markdown
from bugsly_server.explain.markdown import RECORDED_NOTICE, escaped
from bugsly_server.explanation_service import explain_event, latest_event
from bugsly_server.json_views import error_facts, hindrance_facts
from bugsly_server.model.error_issue import AnyIssue, ErrorIssue
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import Issue
from bugsly_server.store.meta import leak_issues
from bugsly_server.web import error_markdown
from bugsly_server.web.api import leak_facts
from bugsly_server.web.mcp.caller import Caller, find_issue
from bugsly_server.web.page_context import ServerContext

MAX_CHANGES = 50
IssueId = Annotated[int, Meta(ge=1, le=2**53)]


class GetIssue(Struct, forbid_unknown_fields=True, frozen=True):
    """Read one issue: explanation, evidence, lines and fix, first as Markdown, then as JSON."""

    id: IssueId


def get_issue(caller: Caller, arguments: GetIssue) -> list[str]:
    """Return an issue as Markdown and as JSON; raise `NotFound` where there is none."""
    with caller.server.database.reading() as connection:
        project, issue = find_issue(connection, arguments.id)
        url = f"{caller.base_url}/p/{project.slug}/issues/{issue.id}"
        text, facts = _issue_parts(connection, caller.server, issue, url)
        history = leak_issues.history(connection, issue.id)[:MAX_CHANGES]
    facts |= {"project": project.slug, "url": url}
    facts["story"] = [
        {
            "kind": one.change.kind,
            "at": one.change.at / SECOND,
            "because": one.change.because,
            "by": one.by,
        }
        for one in history
    ]
    return [text, msgspec.json.encode(facts).decode()]


def _issue_parts(
    connection: Connection, server: ServerContext, issue: AnyIssue, url: str
) -> tuple[str, dict[str, Any]]:
    if isinstance(issue, ErrorIssue):
        return _error_parts(connection, issue, url)
    if isinstance(issue, HindranceIssue):
        return _hindrance_parts(connection, issue, url)
    return _leak_text(issue, url), leak_facts(connection, server.telemetry, issue, server.clock())


def _leak_text(leak: Issue, url: str) -> str:
    finding = leak.finding
    if finding.diagnosis is not None and finding.explanation is not None:
        return render_leak_markdown(finding.diagnosis, finding.explanation, url)
    return _short_text(leak.title, f"{finding.verdict}: {finding.because}", url)


def _short_text(title: str, reason: str, url: str) -> str:
    return f"## {escaped(title)}\n\n{RECORDED_NOTICE}\n\n{escaped(reason)}\n\n<{url}>\n"


def _hindrance_parts(
    connection: Connection, hindrance: HindranceIssue, url: str
) -> tuple[str, dict[str, Any]]:
    reason = leak_issues.history(connection, hindrance.id)[0].change.because
    return _short_text(hindrance.title, reason, url), hindrance_facts(hindrance, reason)


def _error_parts(connection: Connection, error: ErrorIssue, url: str) -> tuple[str, dict[str, Any]]:
    """Describe an error by its latest event that is kept permanently."""
    event = latest_event(connection, error)
    if event is None:
        return _short_text(error.title, "None of its events is stored.", url), error_facts(
            error, None
        )
    explanation = explain_event(connection, error.project_id, event)
    return error_markdown.render_error_markdown(error, event, explanation, url), error_facts(
        error, explanation
    )
