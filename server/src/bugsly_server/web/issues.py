"""Issues: the list, and the story of one, with what a person can do about it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly.protocol.evidence import Answer
from bugsly_server.clock import DAY, HOUR, Micros
from bugsly_server.explain.markdown import markdown
from bugsly_server.model.issue import Change, ChangeKind, Issue, State
from bugsly_server.model.post_mortem import PostMortem
from bugsly_server.model.recycled import hindered
from bugsly_server.model.worker import Worker
from bugsly_server.pipeline import record_change
from bugsly_server.store import post_mortems
from bugsly_server.store.meta import (
    asks,
    channels,
    counters,
    errors,
    groupings,
    issues,
    partings,
    workers,
)
from bugsly_server.store.meta import held_back as held_backs
from bugsly_server.store.meta import listing as listings
from bugsly_server.store.meta.issues import Told
from bugsly_server.store.meta.listing import Wanted
from bugsly_server.web import advice, error, held_back
from bugsly_server.web.outlook import outlook
from bugsly_server.web.site import View, action, field, page

MOST_CHOICES = 100
OVER_QUOTA = "event over the quota"
DROPPED = "error that an SDK dropped itself"
SNOOZES = {"1h": HOUR, "1d": DAY, "7d": 7 * DAY}


@page
def listing(view: View) -> Response:
    """Show a page of the project's issues, those that are wanted."""
    wanted = _wanted(view)
    with view.site.database.reading() as connection:
        found, total = listings.page(connection, view.shown.id, wanted)
        since = view.now - error.HOURS * HOUR
        hours = groupings.hours(connection, [one.id for one in found], since)
        released = errors.released(connection, view.shown.id)
        choices = {
            "environment": listings.environments(connection, view.shown.id),
            "release": sorted(released, key=released.__getitem__, reverse=True)[:MOST_CHOICES],
        }
        skipped = counters.since(connection, view.shown.id, view.now)
        many = errors.count_all(connection, view.shown.id)
    context = {
        "issues": found,
        "total": total,
        "wanted": wanted,
        "pages": -(-total // listings.PAGE),
        "bars": {one.id: error.bars(view, hours, one.id) for one in found},
        "choices": choices,
        "over_quota": skipped.get(OVER_QUOTA, 0),
        "too_many": many if many > view.site.settings.most_errors else 0,
        "dropped": sum(n for why, n in skipped.items() if why.startswith(DROPPED)),
    }
    return view.render("issues.html", context)


@page
def show(view: View) -> Response:
    """Show one issue."""
    with view.site.database.reading() as connection:
        found = issues.get(connection, view.shown.id, view.number("issue_id"))
        other = errors.get(connection, view.shown.id, view.number("issue_id"))
        net = held_backs.get(connection, view.shown.id, view.number("issue_id"))
    if other is not None:
        return error.show(view, other)
    if net is not None:
        return held_back.show(view, net)
    if found is None:
        return view.render("missing.html", {"what": error.MISSING}, 404)
    return view.render("issue.html", _of_leak(view, found))


def _of_leak(view: View, found: Issue) -> dict[str, object]:
    """Return what the page of a leak shows."""
    with view.site.database.reading() as connection:
        story = issues.story(connection, found.id)
        sent = {told.id: channels.of_change(connection, told.id) for told in story}
        names = {one.id: one.name for one in channels.every(connection, view.shown.id)}
        open_asks = asks.open_(connection, view.shown.id)
        suspects = [
            workers.get(connection, view.shown.id, one.worker_id) for one in found.finding.suspects
        ]
        fleet = [
            one
            for one in workers.living(connection, view.shown.id)
            if one.is_alive(view.now) and one.environment == found.finding.environment
        ]
        deaths = post_mortems.of_issue(connection, view.site.telemetry, found, view.now)
        expected = outlook(connection, view.site.telemetry, found, view.now)
        leaver, parting = _last_recycled(connection, found)
    concerned = {one.worker_id for one in found.finding.suspects}
    return {
        "issue": found,
        "story": _in_order(story, deaths),
        "sent": sent,
        "channel_names": names,
        "hindered": hindered(fleet),
        "watched": any(one.net is not None for one in fleet),
        "living": {one.id: one for one in suspects if one is not None},
        "probed": [one for one in open_asks if one.worker_id in concerned],
        "proof": expected.proof,
        "limits": expected.limits,
        "leaver": leaver,
        "parting": parting,
        "markdown": _markdown(view, found),
        "advised": advice.of_leak(view, found),
        "span": min(7 * DAY, max(HOUR, 2 * (view.now - found.opened_at))) // 1_000_000,
    }


@action
def snooze(view: View, form: FormData) -> Response:
    """Hold back alerts for a while, or no longer."""
    length = SNOOZES.get(field(form, "for"))
    issue_id = view.number("issue_id")
    with view.site.database.writing() as connection:
        if issues.get(connection, view.shown.id, issue_id) is not None:
            issues.snooze(connection, issue_id, None if length is None else view.now + length)
    return view.redirect(f"issues/{issue_id}")


@action
def resolve(view: View, _form: FormData) -> Response:
    """Mark an issue as resolved; only a worker started later can bring it back."""
    issue_id = view.number("issue_id")
    with view.site.database.writing() as connection:
        found = issues.get(connection, view.shown.id, issue_id)
        if found is not None and found.state is not State.RESOLVED:
            record_change(connection, view.shown.id, found, _resolved(view, found), view.account.id)
    view.site.pulse.publish({view.shown.id})
    return view.redirect(f"issues/{issue_id}")


def _wanted(view: View) -> Wanted:
    """Return what the query asks for; open issues of any kind if it asks for nothing."""
    query = view.request.query_params
    number = query.get("page", "1")[:6]
    return Wanted(
        kind=query.get("kind", "")[:10],
        state=query.get("state", State.OPEN)[:10],
        release=query.get("release", "")[:200],
        environment=query.get("environment", "")[:200],
        text=query.get("q", "").strip()[:200],
        page=max(1, int(number)) if number.isascii() and number.isdigit() else 1,
    )


def _last_recycled(connection: Connection, issue: Issue) -> tuple[Worker | None, Answer | None]:
    """Return who told last what it held before it was recycled, where *issue* was seen."""
    found = partings.latest(connection, issue.project_id, issue.finding.environment)
    if found is None:
        return None, None
    leaver = workers.get(connection, issue.project_id, found)
    return leaver, partings.of_worker(connection, found)


def _in_order(story: Iterable[Told], deaths: Iterable[PostMortem]) -> list[Told | PostMortem]:
    """Return what happened to an issue, and who was killed meanwhile, newest first."""
    every: list[Told | PostMortem] = [*story, *deaths]
    return sorted(every, key=_happened_at, reverse=True)


def _happened_at(told: Told | PostMortem) -> tuple[Micros, int]:
    """Return what the story is sorted by; changes of one moment stay in their order."""
    if isinstance(told, PostMortem):
        return told.worker.ended_at or 0, 0
    return told.change.at, told.id


def _markdown(view: View, issue: Issue) -> str:
    finding = issue.finding
    if finding.diagnosis is None or finding.explanation is None:
        return ""
    url = f"{view.address}/p/{view.shown.slug}/issues/{issue.id}"
    return markdown(finding.diagnosis, finding.explanation, url)


def _resolved(view: View, issue: Issue) -> Change:
    because = f"{view.account.name} resolved it"
    return Change(kind=ChangeKind.RESOLVED, at=view.now, because=because, finding=issue.finding)
