"""The page of an error, with one of its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from starlette.responses import Response

from bugsly_server.clock import HOUR
from bugsly_server.decode.event import decode_event, scrubbing_note
from bugsly_server.explain.errors.rule_engine import explain_error
from bugsly_server.model.error_issue import ErrorIssue
from bugsly_server.model.event import StackFrame
from bugsly_server.store.error_context import load_error_context
from bugsly_server.store.meta import groupings, workers
from bugsly_server.store.meta.groupings import Grouping
from bugsly_server.store.ports import StoredEvent
from bugsly_server.web import llm_answer
from bugsly_server.web.error_markdown import render_error_markdown
from bugsly_server.web.issue_history import load_history
from bugsly_server.web.page_context import View

MAX_TAG_VALUES = 12
CHART_HOURS = 48
MISSING_ISSUE = "there is no such issue"


@dataclass(frozen=True, slots=True)
class FrameGroup:
    """Successive calls that are all in the app, or all in libraries."""

    in_app: bool
    frames: tuple[tuple[int, StackFrame], ...]
    """Each with its index in the exception, innermost first."""

    @property
    def libraries(self) -> str:
        """Return the names of up to four packages that the calls belong to."""
        names = (frame.module.partition(".")[0] or frame.file for _, frame in self.frames)
        return ", ".join(list(dict.fromkeys(names))[:4])


def show(view: View, issue: ErrorIssue) -> Response:
    """Show one error with its latest event, or with the one that `?event=` names."""
    with view.server.database.reading() as connection:
        if issue.merged_into is not None:
            return view.redirect(f"issues/{issue.merged_into}")
        issue_groupings = groupings.of_issue(connection, issue.id)
        stored_event = _requested_event(view, issue_groupings) or _newest_specimen(view, issue)
        hours = groupings.events_by_hour(connection, [issue.id], view.now - CHART_HOURS * HOUR)
        context = {
            "issue": issue,
            "groupings": issue_groupings,
            **load_history(connection, view.current_project.id, issue.id).context,
            "releases": groupings.tags(connection, issue.id, "release", MAX_TAG_VALUES),
            "environments": groupings.tags(connection, issue.id, "environment", MAX_TAG_VALUES),
            "hourly_events": hourly_counts(view, hours, issue.id),
        }
    if stored_event is None:
        return view.render("error.html", {**context, "event": None})
    return view.render(
        "error.html", {**context, **_event_context(view, issue, issue_groupings, stored_event)}
    )


def hourly_counts(
    view: View, counts_by_issue: dict[int, dict[int, int]], issue_id: int
) -> list[int]:
    """Return the events of an issue by hour, up to the current hour."""
    current_hour = view.now // HOUR
    return [
        counts_by_issue[issue_id].get(hour, 0)
        for hour in range(current_hour - CHART_HOURS + 1, current_hour + 1)
    ]


def _requested_event(view: View, issue_groupings: Sequence[Grouping]) -> StoredEvent | None:
    """Return the event that `?event=` names, else the newest."""
    ids = [one.id for one in issue_groupings]
    try:
        event_id = bytes.fromhex(view.request.query_params.get("event", "")[:32])
    except ValueError:
        event_id = b""
    stored_event = view.server.events.get(ids, event_id) if event_id else None
    return stored_event or next(iter(view.server.events.newest(ids, 1)), None)


def _newest_specimen(view: View, issue: ErrorIssue) -> StoredEvent | None:
    """Return the newest event that is kept permanently."""
    with view.server.database.reading() as connection:
        specimens = groupings.specimens(connection, issue.id)
    if not specimens:
        return None
    return StoredEvent(
        specimens[0].grouping_id, specimens[0].at, specimens[0].event_id, specimens[0].body
    )


def _event_context(
    view: View, issue: ErrorIssue, issue_groupings: Sequence[Grouping], stored: StoredEvent
) -> dict[str, object]:
    """Return what the template shows of one event."""
    ids = [one.id for one in issue_groupings]
    decoded = decode_event(stored.body, stored.at, Counter())
    if decoded is None:
        return {"event": None}
    event = replace(decoded, at=stored.at)
    earlier = view.server.events.before(ids, stored)
    later = view.server.events.after(ids, stored)
    with view.server.database.reading() as connection:
        workers_by_token = (
            workers.find_by_tokens(connection, view.current_project.id, [event.worker])
            if event.worker
            else {}
        )
        context = load_error_context(connection, view.current_project.id, event)
    explanation = explain_error(event, context)
    url = f"{view.base_url}/p/{view.current_project.slug}/issues/{issue.id}"
    return {
        "event": event,
        "scrubbing": scrubbing_note(stored.body),
        "frame_groups": [group_frames(one.frames) for one in event.exceptions],
        "earlier_event": earlier and earlier.id.hex(),
        "later_event": later and later.id.hex(),
        "explanation": explanation,
        "llm_panel": llm_answer.panel_of_error(view, issue, event, context, explanation),
        "worker": workers_by_token.get(event.worker),
        "markdown": render_error_markdown(issue, event, explanation, url),
    }


def group_frames(frames: Sequence[StackFrame]) -> list[FrameGroup]:
    """Return the calls innermost first, grouped by whether they are in the app."""
    numbered = list(enumerate(frames))[::-1]
    grouped = groupby(numbered, key=lambda numbered_frame: numbered_frame[1].in_app)
    return [FrameGroup(in_app, tuple(members)) for in_app, members in grouped]
