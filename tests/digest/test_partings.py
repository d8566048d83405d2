"""What a worker held when it was about to be recycled."""

from typing import Any

import msgspec
import pytest
from tests.support.desk import Desk, report, token
from tests.support.partings import held
from tests.support.values import sample

from bugsly.protocol.evidence import Answer, Evidence
from bugsly_server.store.meta import partings, workers


def parting(number: int, said: Answer, **facts: Any) -> bytes:
    """Return the last words of a worker but its goodbye."""
    facts = {"pid": number, "environment": "production", **facts}
    return report([sample()], evidence=Evidence(parting=said), id=token(number), **facts)


def kept(desk: Desk, number: int) -> Answer | None:
    with desk.database.reading() as connection:
        return partings.of_worker(connection, desk.worker(number).id)


def latest(desk: Desk, environment: str) -> int | None:
    with desk.database.reading() as connection:
        found = partings.latest(connection, desk.shop, environment)
        worker = None if found is None else workers.get(connection, desk.shop, found)
    return None if worker is None else worker.pid


def test_it_is_kept_of_each_worker_and_the_last_one_of_an_environment_is_found(desk: Desk) -> None:
    desk.digest(parting(1, held()), parting(2, held()), parting(3, held(), environment="staging"))
    assert kept(desk, 2) == held()
    assert [latest(desk, name) for name in ("production", "staging", "test")] == [2, 3, None]


def test_the_same_report_twice_changes_nothing_and_a_later_one_counts(desk: Desk) -> None:
    refused = Answer(ask=0, problem="the snapshot was refused")
    desk.digest(parting(1, held()))
    desk.digest(parting(1, held()), parting(1, refused))
    assert kept(desk, 1) == refused


def test_of_a_project_no_more_are_kept_than_there_is_use_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partings, "MOST", 2)
    for number in (1, 2, 3):
        desk.digest(parting(number, held()))
    assert [kept(desk, number) is None for number in (1, 2, 3)] == [True, False, False]


@pytest.mark.parametrize(
    "spoiled",
    [
        {"ask": 0},
        {"ask": 0, "problem": 7},
        {"ask": 0, "heap": {"walker": "c"}},
        "nonsense",
    ],
)
def test_nonsense_is_counted_and_the_rest_of_the_report_is_kept(desk: Desk, spoiled: Any) -> None:
    whole = msgspec.json.decode(parting(1, held()))
    whole["evidence"]["parting"] = spoiled
    desk.digest(msgspec.json.encode(whole))
    assert kept(desk, 1) is None
    assert desk.worker(1).samples == 1
    assert desk.skipped() == {"answer that is not of its form": 1}
