"""The usage page: every budget of the project and of the server, and the erasure of a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import Response

from bugsly_server.clock import DAY
from bugsly_server.errors import Misconfigured, Unavailable
from bugsly_server.ingest.quota import BYTES_REASON, EVENTS_REASON, REPORTS_REASON, UsedInMinute
from bugsly_server.model.identity import MAX_LENGTH, MIN_DISTINCTIVE_LENGTH, Identity
from bugsly_server.model.issue import IssueKind
from bugsly_server.model.project_limits import (
    ENVIRONMENTS_REASON,
    OTHER_ENVIRONMENTS,
    RELEASES_REASON,
    TAGS_REASON,
    WORKERS_REASON,
)
from bugsly_server.store.meta import (
    counters,
    environments,
    error_issues,
    groupings,
    project_keys,
    releases,
    workers,
)
from bugsly_server.store.size_retention import measure_folder
from bugsly_server.web.page_context import View, action, form_text, page


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much of something there may be, and how much there is."""

    name: str
    used: int
    limit: int
    when_reached: str
    variable: str
    """The setting that raises it."""
    missed: int = 0
    """What was not kept of it today."""
    is_size: bool = False

    @property
    def is_reached(self) -> bool:
        """Return whether nothing is left of it, or something was not kept today."""
        return self.used >= self.limit or self.missed > 0


@page
def show(view: View) -> Response:
    """Show what is used of each budget."""
    return _render_page(view)


@action
def erase(view: View, form: FormData) -> Response:
    """Erase a person from the project, and say how much was erased."""
    try:
        identity = Identity(form_text(form, "user", MAX_LENGTH + 1))
        erased = view.server.erase(view.current_project.id, identity)
    except (Misconfigured, Unavailable) as problem:
        return _render_page(view, problem=str(problem))
    return _render_page(view, erased=erased)


def _render_page(view: View, problem: str = "", erased: object = None) -> Response:
    with view.server.database.reading() as connection:
        skipped = counters.totals_since(connection, view.current_project.id, view.now)
        project_id = view.current_project.id
        keys = [one.public for one in project_keys.list_of_project(connection, project_id)]
        in_minute = view.server.quota.used_in_minute(project_id, keys, view.now)
        budgets = [
            *_event_budgets(view, connection, skipped, in_minute),
            *_data_budgets(view, connection, skipped, in_minute),
            *_stock_budgets(view, connection, skipped),
            *_name_budgets(view, connection, skipped),
        ]
    sizes = measure_folder(view.server.settings.data_dir)
    days = [one.begin for one in view.server.events.dated_files()]
    context = {
        "budgets": budgets,
        "folder": Budget(
            name="Data folder",
            used=sizes.total,
            limit=view.server.settings.keep_bytes,
            when_reached="the oldest days of samples and events are deleted, within the hour,"
            " but for the last two",
            variable="BUGSLY_KEEP_BYTES",
            is_size=True,
        ),
        "sizes": sizes,
        "oldest_day": min(days, default=None),
        "keep_days": view.server.settings.keep_days,
        "min_length": MIN_DISTINCTIVE_LENGTH,
        "max_length": MAX_LENGTH,
        "problem": problem,
        "erased": erased,
    }
    return view.render("usage.html", context, 422 if problem else 200)


def _event_budgets(
    view: View, connection: Connection, skipped: Mapping[str, int], in_minute: UsedInMinute
) -> tuple[Budget, ...]:
    """Return the budgets of events in a minute and a day."""
    settings, project_id = view.server.settings, view.current_project.id
    today = view.now - view.now % DAY
    return (
        Budget(
            name="Events this minute",
            used=in_minute.events,
            limit=settings.events_per_minute,
            when_reached="further events of the minute are refused with 429, and counted",
            variable="BUGSLY_EVENTS_PER_MINUTE",
        ),
        Budget(
            name="Events today",
            used=error_issues.events_since(connection, project_id, today),
            limit=settings.events_per_day,
            when_reached="further events are refused with 429 until midnight UTC, and counted",
            variable="BUGSLY_EVENTS_PER_DAY",
            missed=skipped.get(EVENTS_REASON, 0),
        ),
    )


def _data_budgets(
    view: View, connection: Connection, skipped: Mapping[str, int], in_minute: UsedInMinute
) -> tuple[Budget, ...]:
    """Return the budgets of memory reports in a minute, and of all data in a day."""
    settings, project_id = view.server.settings, view.current_project.id
    return (
        Budget(
            name="Memory reports this minute, of the busiest key",
            used=in_minute.reports,
            limit=settings.reports_per_minute,
            when_reached="further reports of the key are refused with 429, and counted",
            variable="BUGSLY_REPORTS_PER_MINUTE",
            missed=skipped.get(REPORTS_REASON, 0),
        ),
        Budget(
            name="Data today, unpacked",
            used=counters.bytes_since(connection, project_id, view.now),
            limit=settings.bytes_per_day,
            when_reached="everything is refused with 429 until midnight UTC, and counted",
            variable="BUGSLY_BYTES_PER_DAY",
            missed=skipped.get(BYTES_REASON, 0),
            is_size=True,
        ),
    )


def _stock_budgets(
    view: View, connection: Connection, skipped: Mapping[str, int]
) -> tuple[Budget, ...]:
    """Return the budgets of issues and workers."""
    limits, project_id = view.server.settings.project_limits, view.current_project.id
    return (
        Budget(
            name="Errors",
            used=error_issues.count_all(connection, project_id),
            limit=limits.errors,
            when_reached="all new errors share one issue",
            variable="BUGSLY_MOST_ERRORS",
        ),
        Budget(
            name="Leaks",
            used=error_issues.count_all(connection, project_id, IssueKind.LEAK),
            limit=limits.leaks,
            when_reached="all new leaks share one issue",
            variable="BUGSLY_MOST_LEAKS",
        ),
        Budget(
            name="Workers alive",
            used=workers.count_living(connection, project_id),
            limit=limits.workers,
            when_reached="reports of further workers are not kept, and counted",
            variable="BUGSLY_MOST_WORKERS",
            missed=skipped.get(WORKERS_REASON, 0),
        ),
    )


def _name_budgets(
    view: View, connection: Connection, skipped: Mapping[str, int]
) -> tuple[Budget, ...]:
    """Return the budgets of names that a client may invent any number of."""
    limits, project_id = view.server.settings.project_limits, view.current_project.id
    return (
        Budget(
            name="Releases",
            used=releases.count(connection, project_id),
            limit=limits.releases,
            when_reached="further releases are not listed; their errors and workers are kept",
            variable="BUGSLY_MOST_RELEASES",
            missed=skipped.get(RELEASES_REASON, 0),
        ),
        Budget(
            name="Environments",
            used=environments.count(connection, project_id),
            limit=limits.environments,
            when_reached=f"further ones are one, called {OTHER_ENVIRONMENTS}",
            variable="BUGSLY_MOST_ENVIRONMENTS",
            missed=skipped.get(ENVIRONMENTS_REASON, 0),
        ),
        Budget(
            name="Tags: releases, environments and users of all errors",
            used=groupings.count_tags(connection, project_id),
            limit=limits.tags,
            when_reached="further ones are not counted; their events are kept",
            variable="BUGSLY_MOST_TAGS",
            missed=skipped.get(TAGS_REASON, 0),
        ),
    )
