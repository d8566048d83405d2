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

from bugsly_server.alert.error import tell
from bugsly_server.clock import MINUTE
from bugsly_server.explained import explanation_of
from bugsly_server.export import error_facts, net_facts, worker_facts
from bugsly_server.model.error import AnyIssue, ErrorIssue
from bugsly_server.model.held_back import HeldBack
from bugsly_server.model.issue import Issue
from bugsly_server.store.meta import (
    asks,
    channels,
    errors,
    groupings,
    held_back,
    holders,
    issues,
    partings,
    projects,
    sources,
    workers,
)
from bugsly_server.store.meta.database import Database
from bugsly_server.store.ports import Telemetry
from bugsly_server.store.telemetry import SqliteTelemetry
from bugsly_server.web.api import leak_facts

DUMP = Path(__file__).parents[1] / "fixtures" / "meta-0005.sql"
NOW = START + 12 * MINUTE
"""A minute after its workers reported."""
MOST = 100
"""Ids of workers, issues and asks in it are lower."""
URL = "https://bugs.example.com/p/shop/issues/{}"
Facts = dict[str, Any]


@contextmanager
def unpacked(folder: Path) -> Iterator[Database]:
    """Give its database, laid out in *folder* and brought to today's schema."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "meta.db")) as plain:
        plain.executescript(DUMP.read_text(encoding="utf-8"))
    database = Database(folder / "meta.db")
    try:
        database.migrate()
        yield database
    finally:
        database.close()


def render(folder: Path) -> str:
    """Return all that can be read in it as JSON, laid out in *folder*, which is empty."""
    with (
        unpacked(folder) as database,
        closing(SqliteTelemetry(folder / "telemetry", 90)) as telemetry,
        database.reading() as connection,
    ):
        told: Facts = {
            one.slug: {
                "workers": _workers(connection, one.id),
                "issues": _issues(connection, one.id, telemetry),
                "sources": sources.known(connection, one.id),
                "channels": [each.name for each in channels.every(connection, one.id)],
                "releases": workers.releases(connection, one.id, 0),
                "endpoints": workers.endpoint_names(connection, one.id),
            }
            for one in projects.every(connection)
        }
        told["asks"] = {str(number): asks.outcome(connection, number) for number in range(1, 8)}
    return msgspec.json.format(msgspec.json.encode(told), indent=1).decode() + "\n"


def _workers(connection: Connection, project_id: int) -> list[Facts]:
    found = (workers.get(connection, project_id, number) for number in range(MOST))
    return [
        worker_facts(one, NOW)
        | {
            "facts": one.facts,
            "holders": holders.known(connection, [one.id]),
            "parting": partings.of_worker(connection, one.id),
        }
        for one in found
        if one is not None
    ]


def _issues(connection: Connection, project_id: int, telemetry: Telemetry) -> list[Facts]:
    leaks = [
        leak_facts(connection, telemetry, one, NOW) | _kept(connection, one) | _told(one)
        for one in issues.every(connection, project_id)
    ]
    met = errors.find(connection, range(MOST)).values()
    nets = [held_back.of_project(connection, project_id)]
    return [
        *leaks,
        *(_error(connection, one) for one in met if one.project_id == project_id),
        *(_net(connection, one) for one in nets if one is not None),
    ]


def _error(connection: Connection, one: ErrorIssue) -> Facts:
    """Return what is kept of an error; that it is explained, and not how, which may change."""
    why = explanation_of(connection, one)
    grouped = groupings.of_issue(connection, one.id)
    return (
        error_facts(one, why)
        | _kept(connection, one)
        | {
            "explanation": why is not None,
            "fingerprints": [each.fingerprint for each in grouped],
            "resolved_after": one.resolved_after,
            "first_release": one.first_release,
        }
    )


def _net(connection: Connection, one: HeldBack) -> Facts:
    because = issues.story(connection, one.id)[0].change.because
    return net_facts(one, because) | _kept(connection, one)


def _told(leak: Issue) -> Facts:
    """Return what `leak_facts` leaves out."""
    told = leak.told
    forecast = None if told is None else told.forecast
    return {
        "fingerprint": leak.fingerprint,
        "resolved_at": leak.resolved_at,
        "snoozed_until": leak.snoozed_until,
        "told": told and {"title": told.title, "scope": told.scope, "verdict": told.verdict},
        "told_full_in": None if forecast is None else forecast.expected,
    }


def _kept(connection: Connection, one: AnyIssue) -> Facts:
    """Return the story of an issue, each change as its alert would tell it now."""
    return {
        "story": [
            {
                "by": each.by,
                "alert": tell("shop", one, each.change, URL.format(one.id), None).payload,
                "deliveries": [sent.state for sent in channels.of_change(connection, each.id)],
            }
            for each in issues.story(connection, one.id)
        ]
    }
