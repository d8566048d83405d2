"""What a worker held when it was about to be recycled."""

from typing import Any

import msgspec
import pytest
from tests.support.final_snapshots import final_snapshot
from tests.support.pipeline_harness import PipelineHarness, report, token
from tests.support.protocol_values import sample

from bugsly.protocol.evidence import Evidence, ProbeResult
from bugsly_server.store.meta import final_snapshots, workers


def final_report(number: int, final_result: ProbeResult, **facts: Any) -> bytes:
    """Return the report with the final snapshot of a worker, before its exit."""
    facts = {"pid": number, "environment": "production", **facts}
    return report([sample()], evidence=Evidence(parting=final_result), id=token(number), **facts)


def stored_snapshot(desk: PipelineHarness, number: int) -> ProbeResult | None:
    with desk.database.reading() as connection:
        return final_snapshots.of_worker(connection, desk.worker(number).id)


def latest_pid(desk: PipelineHarness, environment: str) -> int | None:
    with desk.database.reading() as connection:
        found = final_snapshots.latest_worker_id(connection, desk.shop, environment)
        worker = None if found is None else workers.get(connection, desk.shop, found)
    return None if worker is None else worker.pid


def test_each_worker_has_one_and_the_last_of_an_environment_is_found(
    desk: PipelineHarness,
) -> None:
    desk.digest(
        final_report(1, final_snapshot()),
        final_report(2, final_snapshot()),
        final_report(3, final_snapshot(), environment="staging"),
    )
    assert stored_snapshot(desk, 2) == final_snapshot()
    assert [latest_pid(desk, name) for name in ("production", "staging", "test")] == [2, 3, None]


def test_the_same_report_twice_changes_nothing_and_a_later_one_counts(
    desk: PipelineHarness,
) -> None:
    refused = ProbeResult(ask=0, problem="the snapshot was refused")
    desk.digest(final_report(1, final_snapshot()))
    desk.digest(final_report(1, final_snapshot()), final_report(1, refused))
    assert stored_snapshot(desk, 1) == refused


def test_a_project_keeps_no_more_than_the_maximum(
    desk: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(final_snapshots, "MAX_SNAPSHOTS", 2)
    for number in (1, 2, 3):
        desk.digest(final_report(number, final_snapshot()))
    assert [stored_snapshot(desk, number) is None for number in (1, 2, 3)] == [True, False, False]


@pytest.mark.parametrize(
    "spoiled",
    [
        {"ask": 0},
        {"ask": 0, "problem": 7},
        {"ask": 0, "heap": {"walker": "c"}},
        "nonsense",
    ],
)
def test_an_invalid_one_is_counted_and_the_rest_of_the_report_is_kept(
    desk: PipelineHarness, spoiled: Any
) -> None:
    whole = msgspec.json.decode(final_report(1, final_snapshot()))
    whole["evidence"]["parting"] = spoiled
    desk.digest(msgspec.json.encode(whole))
    assert stored_snapshot(desk, 1) is None
    assert desk.worker(1).samples == 1
    assert desk.skipped() == {"answer that is not of its form": 1}
