"""Issues: the list, and the story of one, with what a person can do about it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly.protocol.evidence import ProbeResult
from bugsly_server.clock import DAY, HOUR, Micros
from bugsly_server.explain.leak_markdown import render_leak_markdown
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.issue import Issue, IssueChange, IssueChangeKind, IssueState
from bugsly_server.model.post_mortem import PostMortem
from bugsly_server.model.recycling import lasting_hindrances
from bugsly_server.model.worker import Worker
from bugsly_server.store import post_mortems
from bugsly_server.store.meta import (
    channels,
    counters,
    error_issues,
    final_snapshots,
    groupings,
    hindrance_issues,
    issue_listing,
    leak_issues,
    probe_requests,
    workers,
)
from bugsly_server.store.meta.issue_listing import IssueFilter
from bugsly_server.store.meta.leak_issues import RecordedChange
from bugsly_server.web import error_page, hindrance, llm_answer
from bugsly_server.web.leak_remedies import leak_remedies
from bugsly_server.web.page_context import View, action, form_text, page

MAX_CHOICES = 100
OVER_QUOTA_REASON = "event over the quota"
DROPPED_REASON_PREFIX = "error that an SDK dropped itself"
SNOOZE_PERIODS = {"1h": HOUR, "1d": DAY, "7d": 7 * DAY}


@page
def list_page(view: View) -> Response:
    """Show a page of the project's issues, those that are wanted."""
    filters = _requested_filters(view)
    with view.server.database.reading() as connection:
        rows, total = issue_listing.list_page(connection, view.current_project.id, filters)
        since = view.now - error_page.CHART_HOURS * HOUR
        hourly = groupings.events_by_hour(connection, [one.id for one in rows], since)
        released = error_issues.first_seen_by_release(connection, view.current_project.id)
        choices = {
            "environment": issue_listing.environments(connection, view.current_project.id),
            "release": sorted(released, key=released.__getitem__, reverse=True)[:MAX_CHOICES],
        }
        skipped = counters.totals_since(connection, view.current_project.id, view.now)
        error_count = error_issues.count_all(connection, view.current_project.id)
    context = {
        "issues": rows,
        "total": total,
        "wanted": filters,
        "pages": -(-total // issue_listing.PAGE_SIZE),
        "bars": {one.id: error_page.hourly_counts(view, hourly, one.id) for one in rows},
        "choices": choices,
        "over_quota": skipped.get(OVER_QUOTA_REASON, 0),
        "too_many": error_count if error_count > view.server.settings.most_errors else 0,
        "dropped": sum(n for why, n in skipped.items() if why.startswith(DROPPED_REASON_PREFIX)),
    }
    return view.render("issues.html", context)


@page
def show(view: View) -> Response:
    """Show one issue."""
    with view.server.database.reading() as connection:
        leak = leak_issues.get(connection, view.current_project.id, view.path_number("issue_id"))
        error_issue = error_issues.get(
            connection, view.current_project.id, view.path_number("issue_id")
        )
        hindrance_issue = hindrance_issues.get(
            connection, view.current_project.id, view.path_number("issue_id")
        )
    if error_issue is not None:
        return error_page.show(view, error_issue)
    if hindrance_issue is not None:
        return hindrance.show(view, hindrance_issue)
    if leak is None:
        return view.render("missing.html", {"what": error_page.MISSING_ISSUE}, 404)
    return view.render("issue.html", _leak_context(view, leak))


def _leak_context(view: View, issue: Issue) -> dict[str, object]:
    """Return what the page of a leak shows."""
    with view.server.database.reading() as connection:
        story = leak_issues.history(connection, issue.id)
        sent = {told.id: channels.of_change(connection, told.id) for told in story}
        channel_names = {
            one.id: one.name for one in channels.list_all(connection, view.current_project.id)
        }
        open_requests = probe_requests.list_open(connection, view.current_project.id)
        suspects = [
            workers.get(connection, view.current_project.id, one.worker_id)
            for one in issue.finding.suspects
        ]
        live_workers = [
            one
            for one in workers.list_living(connection, view.current_project.id)
            if one.is_alive(view.now) and one.environment == issue.finding.environment
        ]
        killed_workers = post_mortems.of_issue(connection, view.server.telemetry, issue, view.now)
        remedies = leak_remedies(connection, view.server.telemetry, issue, view.now)
        recycled_worker, final_snapshot = _last_final_snapshot(connection, issue)
    suspect_ids = {one.worker_id for one in issue.finding.suspects}
    return {
        "issue": issue,
        "story": _newest_first(story, killed_workers),
        "sent": sent,
        "channel_names": channel_names,
        "hindered": lasting_hindrances(live_workers),
        "watched": any(one.net is not None for one in live_workers),
        "living": {one.id: one for one in suspects if one is not None},
        "probed": [one for one in open_requests if one.worker_id in suspect_ids],
        "proof": remedies.proof,
        "limits": remedies.limits,
        "leaver": recycled_worker,
        "parting": final_snapshot,
        "markdown": _leak_markdown(view, issue),
        "advised": llm_answer.panel_of_leak(view, issue),
        "span": min(7 * DAY, max(HOUR, 2 * (view.now - issue.opened_at))) // 1_000_000,
    }


@action
def snooze(view: View, form: FormData) -> Response:
    """Hold back alerts for a while, or no longer."""
    period = SNOOZE_PERIODS.get(form_text(form, "for"))
    issue_id = view.path_number("issue_id")
    with view.server.database.writing() as connection:
        if leak_issues.get(connection, view.current_project.id, issue_id) is not None:
            leak_issues.snooze(connection, issue_id, None if period is None else view.now + period)
    return view.redirect(f"issues/{issue_id}")


@action
def resolve(view: View, _form: FormData) -> Response:
    """Mark an issue as resolved; only a worker started later can bring it back."""
    issue_id = view.path_number("issue_id")
    with view.server.database.writing() as connection:
        issue = leak_issues.get(connection, view.current_project.id, issue_id)
        if issue is not None and issue.state is not IssueState.RESOLVED:
            record_leak_change(
                connection,
                view.current_project.id,
                issue,
                _resolution(view, issue),
                view.account.id,
            )
    view.server.live_updates.publish({view.current_project.id})
    return view.redirect(f"issues/{issue_id}")


def _requested_filters(view: View) -> IssueFilter:
    """Return what the query asks for; open issues of any kind if it asks for nothing."""
    query = view.request.query_params
    page_text = query.get("page", "1")[:6]
    return IssueFilter(
        kind=query.get("kind", "")[:10],
        state=query.get("state", IssueState.OPEN)[:10],
        release=query.get("release", "")[:200],
        environment=query.get("environment", "")[:200],
        text=query.get("q", "").strip()[:200],
        page=max(1, int(page_text)) if page_text.isascii() and page_text.isdigit() else 1,
    )


def _last_final_snapshot(
    connection: Connection, issue: Issue
) -> tuple[Worker | None, ProbeResult | None]:
    """Return who told last what it held before it was recycled, where *issue* was seen."""
    worker_id = final_snapshots.latest_worker_id(
        connection, issue.project_id, issue.finding.environment
    )
    if worker_id is None:
        return None, None
    worker = workers.get(connection, issue.project_id, worker_id)
    return worker, final_snapshots.of_worker(connection, worker_id)


def _newest_first(
    story: Iterable[RecordedChange], killed_workers: Iterable[PostMortem]
) -> list[RecordedChange | PostMortem]:
    """Return what happened to an issue, and who was killed meanwhile, newest first."""
    entries: list[RecordedChange | PostMortem] = [*story, *killed_workers]
    return sorted(entries, key=_sort_key, reverse=True)


def _sort_key(entry: RecordedChange | PostMortem) -> tuple[Micros, int]:
    """Return what the story is sorted by; changes of one moment stay in their order."""
    if isinstance(entry, PostMortem):
        return entry.worker.ended_at or 0, 0
    return entry.change.at, entry.id


def _leak_markdown(view: View, issue: Issue) -> str:
    finding = issue.finding
    if finding.diagnosis is None or finding.explanation is None:
        return ""
    url = f"{view.base_url}/p/{view.current_project.slug}/issues/{issue.id}"
    return render_leak_markdown(finding.diagnosis, finding.explanation, url)


def _resolution(view: View, issue: Issue) -> IssueChange:
    reason = f"{view.account.name} resolved it"
    return IssueChange(
        kind=IssueChangeKind.RESOLVED, at=view.now, because=reason, finding=issue.finding
    )
