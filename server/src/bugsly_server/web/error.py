"""The page of an error, with one of its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from starlette.responses import Response

from bugsly_server.clock import HOUR
from bugsly_server.digest.event import decode_event, note_of
from bugsly_server.explain.errors.explain import explain_error
from bugsly_server.model.error import ErrorIssue
from bugsly_server.model.event import Frame
from bugsly_server.store.meta import channels, groupings, issues, workers
from bugsly_server.store.meta.groupings import Grouping
from bugsly_server.store.ports import StoredEvent
from bugsly_server.store.surroundings import around
from bugsly_server.web import advice
from bugsly_server.web.error_markdown import markdown
from bugsly_server.web.site import View

MOST_TRAITS = 12
HOURS = 48
MISSING = "there is no such issue"


@dataclass(frozen=True, slots=True)
class Run:
    """Calls that follow each other and are all the application's, or all of libraries."""

    in_app: bool
    frames: tuple[tuple[int, Frame], ...]
    """With their position in the exception, innermost first."""

    @property
    def libraries(self) -> str:
        """Return the packages that the calls are of."""
        names = (frame.module.partition(".")[0] or frame.file for _, frame in self.frames)
        return ", ".join(list(dict.fromkeys(names))[:4])


def show(view: View, issue: ErrorIssue) -> Response:
    """Show one error with its latest event, or with the one that `?event=` names."""
    with view.site.database.reading() as connection:
        if issue.merged_into is not None:
            return view.redirect(f"issues/{issue.merged_into}")
        alike = groupings.of_issue(connection, issue.id)
        chosen = _chosen(view, alike) or _specimen(view, issue)
        story = issues.story(connection, issue.id)
        names = {one.id: one.name for one in channels.every(connection, view.shown.id)}
        hours = groupings.hours(connection, [issue.id], view.now - HOURS * HOUR)
        context = {
            "issue": issue,
            "groupings": alike,
            "story": story,
            "sent": {told.id: channels.of_change(connection, told.id) for told in story},
            "channel_names": names,
            "releases": groupings.traits(connection, issue.id, "release", MOST_TRAITS),
            "environments": groupings.traits(connection, issue.id, "environment", MOST_TRAITS),
            "bars": bars(view, hours, issue.id),
        }
    if chosen is None:
        return view.render("error.html", {**context, "event": None})
    return view.render("error.html", {**context, **_told(view, issue, alike, chosen)})


def bars(view: View, counted: dict[int, dict[int, int]], issue_id: int) -> list[int]:
    """Return the events of an issue by hour, up to this one."""
    last = view.now // HOUR
    return [counted[issue_id].get(hour, 0) for hour in range(last - HOURS + 1, last + 1)]


def _chosen(view: View, alike: Sequence[Grouping]) -> StoredEvent | None:
    """Return the event that is asked for, or the newest there is."""
    ids = [one.id for one in alike]
    try:
        wanted = bytes.fromhex(view.request.query_params.get("event", "")[:32])
    except ValueError:
        wanted = b""
    found = view.site.events.get(ids, wanted) if wanted else None
    return found or next(iter(view.site.events.newest(ids, 1)), None)


def _specimen(view: View, issue: ErrorIssue) -> StoredEvent | None:
    """Return the newest of the events that are kept for good."""
    with view.site.database.reading() as connection:
        kept = groupings.specimens(connection, issue.id)
    if not kept:
        return None
    return StoredEvent(kept[0].grouping_id, kept[0].at, kept[0].event_id, kept[0].body)


def _told(
    view: View, issue: ErrorIssue, alike: Sequence[Grouping], chosen: StoredEvent
) -> dict[str, object]:
    """Return what the page shows of one event."""
    ids = [one.id for one in alike]
    read = decode_event(chosen.body, chosen.at, Counter())
    if read is None:
        return {"event": None}
    event = replace(read, at=chosen.at)
    before, after = view.site.events.before(ids, chosen), view.site.events.after(ids, chosen)
    with view.site.database.reading() as connection:
        known = workers.find(connection, view.shown.id, [event.worker]) if event.worker else {}
        context = around(connection, view.shown.id, event)
    explanation = explain_error(event, context)
    url = f"{view.address}/p/{view.shown.slug}/issues/{issue.id}"
    return {
        "event": event,
        "note": note_of(chosen.body),
        "runs": [runs(one.frames) for one in event.exceptions],
        "before": before and before.id.hex(),
        "after": after and after.id.hex(),
        "explanation": explanation,
        "advised": advice.of_error(view, issue, event, context, explanation),
        "worker": known.get(event.worker),
        "markdown": markdown(issue, event, explanation, url),
    }


def runs(frames: Sequence[Frame]) -> list[Run]:
    """Return the calls innermost first, those of the application apart from those of libraries."""
    numbered = list(enumerate(frames))[::-1]
    parted = groupby(numbered, key=lambda one: one[1].in_app)
    return [Run(in_app, tuple(members)) for in_app, members in parted]
