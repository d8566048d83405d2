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


BEGUN = {"sid": "a", "init": True, "status": "ok", "errors": 0}
MET = {"sid": "a", "init": False, "status": "ok", "errors": 1}
OTHER = {"sid": "b"}


@pytest.mark.parametrize(
    ("told", "fare"),
    [
        ([BEGUN], (1, 0, 0)),
        ([BEGUN, {**MET, "status": "exited", "errors": 0}], (1, 0, 0)),
        ([BEGUN, MET, {**MET, "errors": 2}, {**MET, "status": "exited"}], (1, 1, 0)),
        ([BEGUN, {**MET, "status": "unhandled"}, {**MET, "status": "unhandled"}], (1, 1, 0)),
        ([BEGUN, MET, BEGUN | OTHER, MET | OTHER], (2, 2, 0)),
        ([BEGUN, {**MET, "status": "crashed"}, {**MET, "status": "crashed"}], (1, 0, 1)),
        ([{**BEGUN, "status": "exited", "errors": 2}], (1, 1, 0)),
        ([{**BEGUN, "status": "abnormal", "errors": 1}], (1, 0, 1)),
    ],
)
def test_a_session_counts_once_as_begun_and_once_as_it_fared(
    desk: Desk, told: list[dict[str, Any]], fare: tuple[int, int, int]
) -> None:
    attrs = {"attrs": {"release": "1.0"}}
    assert fares(desk, "session", *(one | attrs for one in told)) == fare


def test_what_a_session_met_counts_once_over_batches(desk: Desk) -> None:
    attrs = {"attrs": {"release": "1.0"}}
    assert fares(desk, "session", BEGUN | attrs, MET | attrs) == (1, 1, 0)
    assert fares(desk, "session", {**MET, "status": "exited"} | attrs) == (1, 1, 0)


@pytest.mark.parametrize("told", [{}, [], "x", {"attrs": 7}, {"attrs": {"release": ""}}])
def test_sessions_of_no_release_are_counted_as_skipped(desk: Desk, told: Any) -> None:
    assert fares(desk, "session", told) == Health(0, 0, 0)
    assert desk.pipeline.skipped[desk.shop, "session without a release"] == 1
