"""What a person can do about an error."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly_server.clock import DAY
from bugsly_server.model.error import ErrorIssue
from bugsly_server.model.issue import Change, ChangeKind, State
from bugsly_server.store.meta import errors, groupings
from bugsly_server.store.meta.groupings import Grouping
from bugsly_server.web.site import View, action, field

IGNORES = {"1d": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
MORE = {"10": 10, "100": 100, "1000": 1_000}


@action
def resolve(view: View, form: FormData) -> Response:
    """Mark an error as resolved, now or with the next release."""
    in_next = field(form, "in") == "next"
    with view.site.database.reading() as connection:
        found = errors.get(connection, view.shown.id, view.number("issue_id"))
        released = errors.released(connection, view.shown.id)
    newest = max(released, key=lambda one: released[one], default="") if in_next else ""
    because = f"{view.account.name} resolved it"
    if newest:
        because = f"{because} in the release after {newest}"
    if found is not None and found.state is not State.RESOLVED:
        _change(view, found, ChangeKind.RESOLVED, because, resolved_after=newest or None)
    return _back(view)


@action
def ignore(view: View, form: FormData) -> Response:
    """Ignore an error for a while, until it has happened so much more, or for good."""
    with view.site.database.reading() as connection:
        found = errors.get(connection, view.shown.id, view.number("issue_id"))
    if found is not None and found.state is not State.IGNORED:
        length, more = IGNORES.get(field(form, "for")), MORE.get(field(form, "more"))
        until = f" until it has happened {more:,} times more" if more else ""
        until = f" for {length // DAY} days" if length else until
        _change(
            view,
            found,
            ChangeKind.IGNORED,
            f"{view.account.name} ignored it{until}",
            snoozed_until=None if length is None else view.now + length,
            ignored_until=None if more is None else found.count + more,
        )
    return _back(view)


@action
def reopen(view: View, _form: FormData) -> Response:
    """Open an error again that was resolved or ignored."""
    with view.site.database.reading() as connection:
        found = errors.get(connection, view.shown.id, view.number("issue_id"))
    if found is not None and found.state is not State.OPEN:
        because = f"{view.account.name} opened it again"
        _change(view, found, ChangeKind.CAME_BACK, because)
    return _back(view)


@action
def merge(view: View, form: FormData) -> Response:
    """Move all events of this error to another one, which takes its place."""
    number = field(form, "into", 12).removeprefix("#")
    into = int(number) if number.isascii() and number.isdigit() else 0
    with view.site.database.writing() as connection:
        found = errors.get(connection, view.shown.id, view.number("issue_id"))
        target = errors.get(connection, view.shown.id, into)
        if found is None or target is None or target.id == found.id or target.merged_into:
            return _back(view)
        moved = [one.id for one in groupings.of_issue(connection, found.id)]
        groupings.move(connection, moved, target.id)
        for one in (found.id, target.id):
            errors.recount(connection, one)
        because = f"{view.account.name} merged it into #{target.id}"
        step = Change(kind=ChangeKind.MERGED, at=view.now, because=because, finding=None)
        errors.record(connection, found, step, view.account.id, merged_into=target.id)
    view.site.pulse.publish({view.shown.id})
    return view.redirect(f"issues/{into}")


@action
def split(view: View, form: FormData) -> Response:
    """Give one of the groupings of an error an error of its own."""
    chosen = field(form, "grouping", 12)
    with view.site.database.writing() as connection:
        found = errors.get(connection, view.shown.id, view.number("issue_id"))
        alike = [] if found is None else groupings.of_issue(connection, found.id)
        mine = next((one for one in alike if str(one.id) == chosen), None)
        if found is None or mine is None or len(alike) == 1:
            return _back(view)
        made = _split_off(view, found, mine)
        issue_id = errors.add(connection, made)
        groupings.move(connection, [mine.id], issue_id)
        for one in (found.id, issue_id):
            errors.recount(connection, one)
        because = f"{view.account.name} split it off #{found.id}"
        step = Change(kind=ChangeKind.SPLIT, at=view.now, because=because, finding=None)
        errors.record(
            connection, errors.find(connection, [issue_id])[issue_id], step, view.account.id
        )
    view.site.pulse.publish({view.shown.id})
    return view.redirect(f"issues/{issue_id}")


def _split_off(view: View, found: ErrorIssue, mine: Grouping) -> dict[str, object]:
    return {
        "project_id": view.shown.id,
        "fingerprint": f"{mine.fingerprint}/{view.now}",
        "title": mine.title,
        "endpoint": found.endpoint,
        "release": found.release,
        "environment": found.environment,
        "opened_at": mine.first_at,
        "changed_at": view.now,
        "seen_at": mine.last_at,
        "place": found.place,
        "level": found.level,
        "first_release": found.first_release,
    }


def _change(view: View, found: ErrorIssue, kind: ChangeKind, because: str, **facts: object) -> None:
    kept = {"resolved_after": None, "ignored_until": None} | facts
    step = Change(kind=kind, at=view.now, because=because, finding=None)
    with view.site.database.writing() as connection:
        errors.record(connection, found, step, view.account.id, **kept)
    view.site.pulse.publish({view.shown.id})


def _back(view: View) -> Response:
    return view.redirect(f"issues/{view.number('issue_id')}")
