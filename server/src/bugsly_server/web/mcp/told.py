"""The tool that reads one issue."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection

from bugsly_server.clock import SECOND
from bugsly_server.explain.markdown import markdown
from bugsly_server.explained import explained, latest_event
from bugsly_server.export import error_facts, net_facts
from bugsly_server.model.error import AnyIssue, ErrorIssue
from bugsly_server.model.held_back import HeldBack
from bugsly_server.model.issue import Issue
from bugsly_server.store.meta import issues
from bugsly_server.web import error_markdown
from bugsly_server.web.api import leak_facts
from bugsly_server.web.mcp.caller import Caller, find_issue
from bugsly_server.web.site import Site

MOST_CHANGES = 50
IssueId = Annotated[int, Meta(ge=1, le=2**53)]


class GetIssue(Struct, forbid_unknown_fields=True, frozen=True):
    """Read one issue: explanation, evidence, lines and fix, first as Markdown, then as JSON."""

    id: IssueId


def get_issue(caller: Caller, given: GetIssue) -> list[str]:
    """Return an issue as Markdown and as JSON; raise `NotFound` where there is none."""
    with caller.site.database.reading() as connection:
        project, found = find_issue(connection, given.id)
        url = f"{caller.address}/p/{project.slug}/issues/{found.id}"
        text, facts = _told(connection, caller.site, found, url)
        story = issues.story(connection, found.id)[:MOST_CHANGES]
    facts |= {"project": project.slug, "url": url}
    facts["story"] = [
        {
            "kind": one.change.kind,
            "at": one.change.at / SECOND,
            "because": one.change.because,
            "by": one.by,
        }
        for one in story
    ]
    return [text, msgspec.json.encode(facts).decode()]


def _told(
    connection: Connection, site: Site, found: AnyIssue, url: str
) -> tuple[str, dict[str, Any]]:
    if isinstance(found, ErrorIssue):
        return _error(connection, found, url)
    if isinstance(found, HeldBack):
        return _net(connection, found, url)
    return _leak(found, url), leak_facts(connection, site.telemetry, found, site.clock())


def _leak(leak: Issue, url: str) -> str:
    finding = leak.finding
    if finding.diagnosis is not None and finding.explanation is not None:
        return markdown(finding.diagnosis, finding.explanation, url)
    return f"## {leak.title}\n\n{finding.verdict}: {finding.because}\n\n<{url}>\n"


def _net(connection: Connection, net: HeldBack, url: str) -> tuple[str, dict[str, Any]]:
    because = issues.story(connection, net.id)[0].change.because
    return f"## {net.title}\n\n{because}\n\n<{url}>\n", net_facts(net, because)


def _error(connection: Connection, error: ErrorIssue, url: str) -> tuple[str, dict[str, Any]]:
    """Tell an error by the latest of its events that are kept for good."""
    event = latest_event(connection, error)
    if event is None:
        return f"## {error.title}\n\n<{url}>\n", error_facts(error, None)
    why = explained(connection, error.project_id, event)
    return error_markdown.markdown(error, event, why, url), error_facts(error, why)
