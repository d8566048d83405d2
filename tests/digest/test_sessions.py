"""Sessions of SDKs become the crash-free rates of releases."""

from typing import Any

import msgspec
import pytest
from tests.support.desk import Desk

from bugsly_server.clock import DAY
from bugsly_server.store.meta import health, workers
from bugsly_server.store.meta.health import Health
from bugsly_server.store.ports import Entry

SUM = {"started": "2026-08-21T05:00:00Z", "exited": 90, "errored": 7, "crashed": 2, "abnormal": 1}


def fares(desk: Desk, kind: str, *told: Any) -> Health:
    entries = [Entry(desk.shop, desk.clock(), kind, msgspec.json.encode(one)) for one in told]
    desk.pipeline.digest(entries)
    with desk.database.writing() as connection:
        workers.note_release(connection, desk.shop, "1.0", desk.clock())
        (release,) = health.releases(connection, desk.shop, desk.clock() - 30 * DAY)
    return release.health


def test_sums_are_added_up(desk: Desk) -> None:
    told = {"attrs": {"release": "1.0"}, "aggregates": [SUM, SUM, "x", {"exited": -1}]}
    assert fares(desk, "sessions", told) == Health(200, 14, 6)


def test_a_session_counts_when_it_begins_and_when_it_crashes(desk: Desk) -> None:
    attrs = {"attrs": {"release": "1.0"}}
    told = [
        {"init": True, "status": "ok", "errors": 0} | attrs,
        {"init": False, "status": "crashed", "errors": 1} | attrs,
        {"init": True, "status": "exited", "errors": 2} | attrs,
    ]
    assert fares(desk, "session", *told) == Health(2, 1, 1)


@pytest.mark.parametrize("told", [{}, [], "x", {"attrs": 7}, {"attrs": {"release": ""}}])
def test_sessions_of_no_release_are_counted_as_skipped(desk: Desk, told: Any) -> None:
    assert fares(desk, "session", told) == Health(0, 0, 0)
    assert desk.pipeline.skipped[desk.shop, "session without a release"] == 1
