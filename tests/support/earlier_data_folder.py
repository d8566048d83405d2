"""A data folder that an earlier server has written, and what can be read in it.

`tests/fixtures/meta-0005.sql` is its meta.db as SQL, of a server whose schema was 0005.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection
from tests.support.clock import START

from bugsly_server.alert.error_message import compose_alert
from bugsly_server.clock import MINUTE
from bugsly_server.explanation_service import explain_issue
from bugsly_server.json_views import error_facts, hindrance_facts, worker_facts
from bugsly_server.model.error_issue import AnyIssue, ErrorIssue
from bugsly_server.model.hindrance import HindranceIssue
from bugsly_server.model.issue import Issue
from bugsly_server.store.meta import (
    channels,
    error_issues,
    final_snapshots,
    groupings,
    hindrance_issues,
    holders,
    leak_issues,
    probe_requests,
    projects,
    releases,
    sources,
    workers,
)
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import Telemetry
from bugsly_server.store.telemetry import SqliteTelemetry
from bugsly_server.web.api import leak_facts

DUMP = Path(__file__).parents[1] / "fixtures" / "meta-0005.sql"
READ_AT = START + 12 * MINUTE
"""A minute after its workers reported."""
MAX_ID = 100
"""Ids of workers, issues and asks in it are lower."""
URL = "https://bugs.example.com/p/shop/issues/{}"
JsonFacts = dict[str, Any]


@contextmanager
def open_earlier_folder(folder: Path) -> Iterator[Database]:
    """Give its database, laid out in *folder* and brought to today's schema."""
    with closing(lay_out_database(folder)) as database:
        database.migrate()
        yield database


def lay_out_database(folder: Path) -> Database:
    """Return its database, laid out in *folder* and not migrated yet."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "meta.db")) as plain:
        plain.executescript(DUMP.read_text(encoding="utf-8"))
    return Database(folder / "meta.db")


def render(folder: Path) -> str:
    """Return all that can be read in it as JSON, laid out in *folder*, which is empty."""
    with open_earlier_folder(folder) as database:
        return render_database(database, folder)


def render_database(database: Database, folder: Path) -> str:
    """Return all that can be read in *database*, of the data folder *folder*, as JSON."""
    with (
        closing(SqliteTelemetry(folder / "telemetry", 90)) as telemetry,
        database.reading() as connection,
    ):
        facts_by_project: JsonFacts = {
            one.slug: {
                "workers": _workers(connection, one.id),
                "issues": _issues(connection, one.id, telemetry),
                "sources": sources.by_file(connection, one.id),
                "channels": [each.name for each in channels.list_all(connection, one.id)],
                "releases": sorted(releases.list_newest(connection, one.id, MAX_ID)),
                "endpoints": workers.endpoint_names(connection, one.id),
            }
            for one in projects.list_all(connection)
        }
        facts_by_project["asks"] = {
            str(number): probe_requests.state_and_result(connection, number)
            for number in range(1, 8)
        }
    return msgspec.json.format(msgspec.json.encode(facts_by_project), indent=1).decode() + "\n"


def _workers(connection: Connection, project_id: int) -> list[JsonFacts]:
    found = (workers.get(connection, project_id, number) for number in range(MAX_ID))
    return [
        worker_facts(one, READ_AT)
        | {
            "facts": one.facts,
            "holders": holders.descriptions(connection, [one.id]),
            "parting": final_snapshots.of_worker(connection, one.id),
        }
        for one in found
        if one is not None
    ]


def _issues(connection: Connection, project_id: int, telemetry: Telemetry) -> list[JsonFacts]:
    leaks = [
        leak_facts(connection, telemetry, one, READ_AT)
        | _issue_story(connection, one)
        | _hidden_leak_facts(one)
        for one in leak_issues.list_all(connection, project_id)
    ]
    stored_errors = error_issues.find(connection, range(MAX_ID)).values()
    nets = [hindrance_issues.get_for_project(connection, project_id)]
    return [
        *leaks,
        *(_error(connection, one) for one in stored_errors if one.project_id == project_id),
        *(_hindrance(connection, one) for one in nets if one is not None),
    ]


def _error(connection: Connection, error: ErrorIssue) -> JsonFacts:
    """Return what is kept of an error; that it is explained, and not how, which may change."""
    why = explain_issue(connection, error)
    grouped = groupings.of_issue(connection, error.id)
    return (
        error_facts(error, why)
        | _issue_story(connection, error)
        | {
            "explanation": why is not None,
            "fingerprints": [each.fingerprint for each in grouped],
            "resolved_after": error.resolved_after,
            "first_release": error.first_release,
        }
    )


def _hindrance(connection: Connection, hindrance_issue: HindranceIssue) -> JsonFacts:
    because = leak_issues.history(connection, hindrance_issue.id)[0].change.because
    return hindrance_facts(hindrance_issue, because) | _issue_story(connection, hindrance_issue)


def _hidden_leak_facts(leak: Issue) -> JsonFacts:
    """Return what `leak_facts` leaves out."""
    announced = leak.reported
    forecast = None if announced is None else announced.forecast
    return {
        "fingerprint": leak.fingerprint,
        "resolved_at": leak.resolved_at,
        "snoozed_until": leak.snoozed_until,
        "told": announced
        and {"title": announced.title, "scope": announced.scope, "verdict": announced.verdict},
        "told_full_in": None if forecast is None else forecast.expected,
    }


def _issue_story(connection: Connection, issue: AnyIssue) -> JsonFacts:
    """Return the story of an issue, each change as its alert would tell it now."""
    return {
        "story": [
            {
                "by": each.by,
                "alert": compose_alert(
                    "shop", issue, each.change, URL.format(issue.id), None
                ).payload,
                "deliveries": [sent.state for sent in channels.of_change(connection, each.id)],
            }
            for each in leak_issues.history(connection, issue.id)
        ]
    }
