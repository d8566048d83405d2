"""How long the list of ten thousand issues takes to answer."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import insert

from bugsly_server.app import DataFolder
from bugsly_server.clock import HOUR, Micros, now
from bugsly_server.settings import load_settings
from bugsly_server.store.meta import accounts, error_issues, groupings, projects
from bugsly_server.store.meta.error_tables import trait
from bugsly_server.store.meta.groupings import Grouping
from tools.bench.page_timing import COLUMNS, time_pages
from tools.bench.section import Section

ISSUES = 10_000
HOURS = 50
EVENTS_AN_HOUR = 2
RELEASES = 20
USERS = 10
RUNS = 21
PATHS = (
    "/p/app/issues",
    "/p/app/issues?page=200",
    "/p/app/issues?q=order+77",
    "/p/app/issues?q=nothing+is+called+so",
    "/p/app/issues?release=2026.11.7",
    "/p/app/issues?state=&environment=staging&kind=error",
)


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Fill a store with errors, and ask for their list as a browser does."""
    runs = 5 if quick else RUNS
    section = Section(
        title=f"The list of {ISSUES:,} issues",
        how=f"{ISSUES:,} errors of {ISSUES * HOURS * EVENTS_AN_HOUR:,} events over {HOURS} hours, of {RELEASES} releases and"
        f" {USERS} users each; the whole page as a browser gets it, {runs} times.",
        columns=COLUMNS,
    )
    return time_pages(section, _fill_store, PATHS, runs)


def _fill_store(folder: Path) -> str:
    """Make the store; return the secret of a session."""
    store = DataFolder(load_settings({"data_dir": str(folder)}, os.environ))
    moment = now()
    with store.database.writing() as connection:
        project = projects.ensure(connection, "app", moment)
        owner = accounts.create(connection, "owner", None, moment)
        secret = accounts.open_session(connection, owner.id, moment)
        hours: dict[tuple[int, int], int] = {}
        traits: list[dict[str, object]] = []
        for number in range(ISSUES):
            seen_at = moment - number * 1_000_000
            issue_id = error_issues.add(connection, _error_row(project.id, number, seen_at))
            made = groupings.add(connection, project.id, _grouping(issue_id, number, seen_at))
            latest = {"key": issue_id, "new_seen_at": seen_at, "new_release": _release(number)}
            total = HOURS * EVENTS_AN_HOUR
            error_issues.update_latest(
                connection, [{**latest, "new_environment": _environment(number), "more": total}]
            )
            newest = moment // HOUR
            hours |= {(made.id, newest - hour): EVENTS_AN_HOUR for hour in range(HOURS)}
            found = {("user", f"{user:016x}") for user in range(USERS)}
            found |= {("release", _release(number)), ("environment", _environment(number))}
            traits += [
                {"grouping_id": made.id, "kind": kind, "value": value, "first_at": seen_at}
                for kind, value in found
            ]
        groupings.count_hours(connection, hours)
        connection.execute(insert(trait), traits)
    store.close()
    return secret


def _error_row(project_id: int, number: int, seen_at: Micros) -> dict[str, object]:
    return {
        "project_id": project_id,
        "fingerprint": f"1/{number:032x}",
        "title": f"KeyError: 'currency of order {number}'",
        "endpoint": f"POST /orders/{number}",
        "release": _release(number),
        "environment": _environment(number),
        "opened_at": seen_at - HOURS * HOUR,
        "changed_at": seen_at,
        "seen_at": seen_at,
        "place": f"total in shop/views_{number}.py",
        "level": "error",
        "first_release": _release(number),
    }


def _grouping(issue_id: int, number: int, seen_at: Micros) -> Grouping:
    return Grouping(
        id=0,
        issue_id=issue_id,
        fingerprint=f"1/{number:032x}",
        title=f"KeyError: 'currency of order {number}'",
        because=("the exception is the same: KeyError",),
        events=HOURS * EVENTS_AN_HOUR,
        first_at=seen_at - HOURS * HOUR,
        last_at=seen_at,
        specimen_at=seen_at,
    )


def _release(number: int) -> str:
    return f"2026.11.{number % RELEASES}"


def _environment(number: int) -> str:
    return "production" if number % 3 else "staging"
