"""Sessions of SDKs become the health of releases."""

import itertools
from typing import Any

import msgspec
import pytest
from tests.support.pipeline_harness import PipelineHarness

from bugsly_server.clock import DAY, SECOND
from bugsly_server.model.session_counts import SessionCounts
from bugsly_server.store.meta import release_sessions, workers
from bugsly_server.store.ports import SpoolEntry

SESSION_TOTALS = {
    "started": "2026-08-21T05:00:00Z",
    "exited": 90,
    "errored": 7,
    "crashed": 2,
    "abnormal": 1,
}


ENTRY_IDS = itertools.count(1)


def spooled(desk: PipelineHarness, kind: str, *sessions: Any) -> list[SpoolEntry]:
    payloads = map(msgspec.json.encode, sessions)
    return [SpoolEntry(desk.shop, desk.clock(), kind, one, next(ENTRY_IDS)) for one in payloads]


def release_health(desk: PipelineHarness, kind: str, *sessions: Any) -> SessionCounts:
    desk.pipeline.digest(spooled(desk, kind, *sessions))
    return counted(desk)


def counted(desk: PipelineHarness) -> SessionCounts:
    with desk.database.writing() as connection:
        workers.note_release(connection, desk.shop, "1.0", desk.clock())
        (release,) = release_sessions.list_releases(connection, desk.shop, desk.clock() - 30 * DAY)
    return release.health


def test_aggregates_are_added_up(desk: PipelineHarness) -> None:
    sessions = {
        "attrs": {"release": "1.0"},
        "aggregates": [SESSION_TOTALS, SESSION_TOTALS, "x", {"exited": -1}],
    }
    assert release_health(desk, "sessions", sessions) == SessionCounts(200, 14, 6)


SESSION_STARTED = {"sid": "a", "init": True, "status": "ok", "errors": 0}
SESSION_ERROR = {"sid": "a", "init": False, "status": "ok", "errors": 1}
OTHER = {"sid": "b"}


@pytest.mark.parametrize(
    ("sessions", "outcome"),
    [
        ([SESSION_STARTED], (1, 0, 0)),
        ([SESSION_STARTED, {**SESSION_ERROR, "status": "exited", "errors": 0}], (1, 0, 0)),
        (
            [
                SESSION_STARTED,
                SESSION_ERROR,
                {**SESSION_ERROR, "errors": 2},
                {**SESSION_ERROR, "status": "exited"},
            ],
            (1, 1, 0),
        ),
        (
            [
                SESSION_STARTED,
                {**SESSION_ERROR, "status": "unhandled"},
                {**SESSION_ERROR, "status": "unhandled"},
            ],
            (1, 1, 0),
        ),
        (
            [SESSION_STARTED, SESSION_ERROR, SESSION_STARTED | OTHER, SESSION_ERROR | OTHER],
            (2, 2, 0),
        ),
        (
            [
                SESSION_STARTED,
                {**SESSION_ERROR, "status": "crashed"},
                {**SESSION_ERROR, "status": "crashed"},
            ],
            (1, 0, 1),
        ),
        ([{**SESSION_STARTED, "status": "exited", "errors": 2}], (1, 1, 0)),
        ([{**SESSION_STARTED, "status": "abnormal", "errors": 1}], (1, 0, 1)),
    ],
)
def test_a_session_counts_once_as_started_and_once_by_its_outcome(
    desk: PipelineHarness, sessions: list[dict[str, Any]], outcome: tuple[int, int, int]
) -> None:
    attrs = {"attrs": {"release": "1.0"}}
    assert release_health(desk, "session", *(one | attrs for one in sessions)) == outcome


def test_an_outcome_counts_once_across_batches(desk: PipelineHarness) -> None:
    attrs = {"attrs": {"release": "1.0"}}
    assert release_health(desk, "session", SESSION_STARTED | attrs, SESSION_ERROR | attrs) == (
        1,
        1,
        0,
    )
    assert release_health(desk, "session", {**SESSION_ERROR, "status": "exited"} | attrs) == (
        1,
        1,
        0,
    )


@pytest.mark.parametrize("sessions", [{}, [], "x", {"attrs": 7}, {"attrs": {"release": ""}}])
def test_sessions_without_a_release_are_counted_as_skipped(
    desk: PipelineHarness, sessions: Any
) -> None:
    assert release_health(desk, "session", sessions) == SessionCounts(0, 0, 0)
    assert desk.pipeline.skipped[desk.shop, "session without a release"] == 1


RELEASE = {"attrs": {"release": "1.0"}}


def test_a_batch_that_is_digested_again_after_a_kill_counts_once(desk: PipelineHarness) -> None:
    first = spooled(desk, "session", SESSION_STARTED | RELEASE, SESSION_ERROR | RELEASE)
    more = spooled(desk, "sessions", RELEASE | {"aggregates": [SESSION_TOTALS]})
    desk.pipeline.digest(first)
    desk.start()
    desk.pipeline.digest([*first, *more])
    desk.start()
    desk.pipeline.digest(more)
    assert counted(desk) == SessionCounts(101, 8, 3)


def test_a_batch_within_which_the_clock_stepped_back_counts_once(desk: PipelineHarness) -> None:
    batch = spooled(desk, "session", *[SESSION_STARTED | RELEASE] * 3)
    batch[-1] = batch[-1]._replace(received_at=desk.clock() - DAY)
    desk.pipeline.digest(batch)
    desk.start()
    desk.pipeline.digest(batch)
    assert counted(desk) == SessionCounts(3, 0, 0)


def test_entries_digested_one_by_one_after_their_batch_failed_count_once(
    desk: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = spooled(desk, "session", *[SESSION_STARTED | RELEASE] * 3)
    report = SpoolEntry(desk.shop, desk.clock(), "memory", b"{}", next(ENTRY_IDS))
    with monkeypatch.context() as patch:
        patch.setattr(desk.pipeline, "_digest_reports", failing)
        with pytest.raises(OSError, match="no"):
            desk.pipeline.digest([*batch, report])
    for entry in batch:
        desk.pipeline.digest([entry])
    assert counted(desk) == SessionCounts(3, 0, 0)


def failing(*_: object) -> None:
    raise OSError("no")


def test_entries_of_a_new_spool_count_although_their_ids_begin_anew(desk: PipelineHarness) -> None:
    desk.pipeline.digest(spooled(desk, "session", *[SESSION_STARTED | RELEASE] * 3))
    desk.clock.advance(SECOND)
    (first_again,) = spooled(desk, "session", SESSION_STARTED | RELEASE)
    desk.pipeline.digest([first_again._replace(id=1)])
    assert counted(desk) == SessionCounts(4, 0, 0)
