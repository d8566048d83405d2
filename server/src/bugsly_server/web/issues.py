"""The list of a project's issues, and the page of each issue by its kind."""

from __future__ import annotations

from starlette.responses import Response

from bugsly_server.clock import HOUR
from bugsly_server.ingest.quota import BYTES_REASON, EVENTS_REASON, REPORTS_REASON
from bugsly_server.model.issue import IssueState
from bugsly_server.model.project_limits import (
    ENVIRONMENTS_REASON,
    RELEASES_REASON,
    TAGS_REASON,
    WORKERS_REASON,
)
from bugsly_server.store.meta import (
    counters,
    error_issues,
    groupings,
    hindrance_issues,
    issue_listing,
    leak_issues,
    outage_issues,
    releases,
)
from bugsly_server.store.meta.issue_listing import IssueFilter
from bugsly_server.web import error_page, hindrance_page, leak_page, outage_page
from bugsly_server.web.page_context import View, page

MAX_CHOICES = 100
BUDGET_REASONS = (
    *(BYTES_REASON, REPORTS_REASON, ENVIRONMENTS_REASON, RELEASES_REASON),
    *(TAGS_REASON, WORKERS_REASON),
)
DROPPED_REASON_PREFIX = "error that an SDK dropped itself"


@page
def list_page(view: View) -> Response:
    """Show one page of the issues that match the query."""
    filters = _requested_filters(view)
    with view.server.database.reading() as connection:
        rows, total = issue_listing.list_page(connection, view.current_project.id, filters)
        since = view.now - error_page.CHART_HOURS * HOUR
        hourly = groupings.events_by_hour(connection, [one.id for one in rows], since)
        choices = {
            "environment": issue_listing.environments(connection, view.current_project.id),
            "release": [
                version
                for version, _ in releases.list_newest(
                    connection, view.current_project.id, MAX_CHOICES
                )
            ],
        }
        skipped = counters.totals_since(connection, view.current_project.id, view.now)
        error_count = error_issues.count_all(connection, view.current_project.id)
    context = {
        "issues": rows,
        "total": total,
        "filters": filters,
        "pages": -(-total // issue_listing.PAGE_SIZE),
        "hourly_events": {one.id: error_page.hourly_counts(view, hourly, one.id) for one in rows},
        "choices": choices,
        "over_quota": skipped.get(EVENTS_REASON, 0),
        "over_budget": sum(skipped.get(reason, 0) for reason in BUDGET_REASONS),
        "too_many": error_count if error_count > view.server.settings.most_errors else 0,
        "dropped": sum(
            amount for reason, amount in skipped.items() if reason.startswith(DROPPED_REASON_PREFIX)
        ),
    }
    return view.render("issues.html", context)


@page
def show(view: View) -> Response:
    """Show one issue: an error, a hindrance, an outage or a leak."""
    with view.server.database.reading() as connection:
        leak = leak_issues.get(connection, view.current_project.id, view.path_number("issue_id"))
        error_issue = error_issues.get(
            connection, view.current_project.id, view.path_number("issue_id")
        )
        hindrance_issue = hindrance_issues.get(
            connection, view.current_project.id, view.path_number("issue_id")
        )
        outage_issue = outage_issues.get(
            connection, view.current_project.id, view.path_number("issue_id")
        )
    if outage_issue is not None:
        return outage_page.show(view, outage_issue)
    if error_issue is not None:
        return error_page.show(view, error_issue)
    if hindrance_issue is not None:
        return hindrance_page.show(view, hindrance_issue)
    if leak is None:
        return view.render("missing.html", {"what": error_page.MISSING_ISSUE}, 404)
    return leak_page.show(view, leak)


def _requested_filters(view: View) -> IssueFilter:
    """Return the filters of the query; open issues of any kind by default."""
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
