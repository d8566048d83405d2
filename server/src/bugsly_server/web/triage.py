"""The actions on an error: resolve, ignore, reopen, merge, split."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly_server.clock import DAY
from bugsly_server.issue_changes import record_error_triage
from bugsly_server.model.error_issue import ErrorIssue
from bugsly_server.model.issue import IssueChange, IssueChangeKind, IssueState
from bugsly_server.store.meta import error_issues, groupings, releases
from bugsly_server.store.meta.groupings import Grouping
from bugsly_server.web.page_context import View, action, form_text

IGNORE_PERIODS = {"1d": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
IGNORE_COUNTS = {"10": 10, "100": 100, "1000": 1_000}


@action
def resolve(view: View, form: FormData) -> Response:
    """Mark an error as resolved, now or as of the next release."""
    is_for_next_release = form_text(form, "in") == "next"
    with view.server.database.reading() as connection:
        issue = error_issues.get(connection, view.current_project.id, view.path_number("issue_id"))
        newest_releases = releases.list_newest(connection, view.current_project.id, 1)
    newest = newest_releases[0][0] if is_for_next_release and newest_releases else ""
    reason = f"{view.account.name} resolved it"
    if newest:
        reason = f"{reason} in the release after {newest}"
    if issue is not None and issue.state is not IssueState.RESOLVED:
        _record_change(view, issue, IssueChangeKind.RESOLVED, reason, resolved_after=newest or None)
    return _redirect_to_issue(view)


@action
def ignore(view: View, form: FormData) -> Response:
    """Ignore an error for a period, until it has happened more often, or permanently."""
    with view.server.database.reading() as connection:
        issue = error_issues.get(connection, view.current_project.id, view.path_number("issue_id"))
    if issue is not None and issue.state is not IssueState.IGNORED:
        period, more_events = (
            IGNORE_PERIODS.get(form_text(form, "for")),
            IGNORE_COUNTS.get(form_text(form, "more")),
        )
        until = f" until it has happened {more_events:,} more times" if more_events else ""
        until = f" for {period // DAY} days" if period else until
        _record_change(
            view,
            issue,
            IssueChangeKind.IGNORED,
            f"{view.account.name} ignored it{until}",
            snoozed_until=None if period is None else view.now + period,
            ignored_until=None if more_events is None else issue.count + more_events,
        )
    return _redirect_to_issue(view)


@action
def reopen(view: View, _form: FormData) -> Response:
    """Reopen an error that was resolved or ignored."""
    with view.server.database.reading() as connection:
        issue = error_issues.get(connection, view.current_project.id, view.path_number("issue_id"))
    if issue is not None and issue.state is not IssueState.OPEN:
        reason = f"{view.account.name} reopened it"
        _record_change(view, issue, IssueChangeKind.CAME_BACK, reason)
    return _redirect_to_issue(view)


@action
def merge(view: View, form: FormData) -> Response:
    """Move all events of this error to another one, which replaces it."""
    target_text = form_text(form, "into", 12).removeprefix("#")
    target_id = int(target_text) if target_text.isascii() and target_text.isdigit() else 0
    with view.server.database.writing() as connection:
        issue = error_issues.get(connection, view.current_project.id, view.path_number("issue_id"))
        target = error_issues.get(connection, view.current_project.id, target_id)
        if issue is None or target is None or target.id == issue.id or target.merged_into:
            return _redirect_to_issue(view)
        grouping_ids = [one.id for one in groupings.of_issue(connection, issue.id)]
        groupings.move_to_issue(connection, grouping_ids, target.id)
        for issue_id in (issue.id, target.id):
            error_issues.recount(connection, issue_id)
        reason = f"{view.account.name} merged it into #{target.id}"
        change = IssueChange(kind=IssueChangeKind.MERGED, at=view.now, because=reason, finding=None)
        record_error_triage(connection, issue, change, view.account.id, merged_into=target.id)
    view.server.live_updates.publish({view.current_project.id})
    return view.redirect(f"issues/{target_id}")


@action
def split(view: View, form: FormData) -> Response:
    """Make one grouping of an error an error of its own."""
    grouping_id = form_text(form, "grouping", 12)
    with view.server.database.writing() as connection:
        issue = error_issues.get(connection, view.current_project.id, view.path_number("issue_id"))
        issue_groupings = [] if issue is None else groupings.of_issue(connection, issue.id)
        grouping = next((one for one in issue_groupings if str(one.id) == grouping_id), None)
        if issue is None or grouping is None or len(issue_groupings) == 1:
            return _redirect_to_issue(view)
        values = _split_values(view, issue, grouping)
        new_id = error_issues.add(connection, values)
        groupings.move_to_issue(connection, [grouping.id], new_id)
        for issue_id in (issue.id, new_id):
            error_issues.recount(connection, issue_id)
        reason = f"{view.account.name} split it off #{issue.id}"
        change = IssueChange(kind=IssueChangeKind.SPLIT, at=view.now, because=reason, finding=None)
        record_error_triage(
            connection, error_issues.find(connection, [new_id])[new_id], change, view.account.id
        )
    view.server.live_updates.publish({view.current_project.id})
    return view.redirect(f"issues/{new_id}")


def _split_values(view: View, issue: ErrorIssue, grouping: Grouping) -> dict[str, object]:
    return {
        "project_id": view.current_project.id,
        "fingerprint": f"{grouping.fingerprint}/{view.now}",
        "title": grouping.title,
        "endpoint": issue.endpoint,
        "release": issue.release,
        "environment": issue.environment,
        "opened_at": grouping.first_at,
        "changed_at": view.now,
        "seen_at": grouping.last_at,
        "place": issue.place,
        "level": issue.level,
        "first_release": issue.first_release,
    }


def _record_change(
    view: View, issue: ErrorIssue, kind: IssueChangeKind, reason: str, **columns: object
) -> None:
    changed_columns = {"resolved_after": None, "ignored_until": None} | columns
    change = IssueChange(kind=kind, at=view.now, because=reason, finding=None)
    with view.server.database.writing() as connection:
        record_error_triage(connection, issue, change, view.account.id, **changed_columns)
    view.server.live_updates.publish({view.current_project.id})


def _redirect_to_issue(view: View) -> Response:
    return view.redirect(f"issues/{view.path_number('issue_id')}")
