"""The recycler report of a worker is bounded; an invalid one costs nothing else."""

from typing import Any

import pytest
from tests.decode.test_memory_report import damaged, decode, numbers

from bugsly.protocol.safety_net import Hindrance, RecyclerReport, RecyclerState
from bugsly_server.decode.memory_report import MAX_MEASUREMENT

WAITING = RecyclerReport(
    at=400_000_000,
    state=RecyclerState.WAITING,
    because="recycling: 6 went in an hour → raise BUGSLY_RECYCLE_MOST",
    hindrance=Hindrance.BUDGET,
    recycled=6,
)


def decoded_net(**changes: Any) -> bytes:
    recycler_report = {
        "at": WAITING.at,
        "state": "waiting",
        "because": WAITING.because,
        "hindrance": "budget",
        "recycled": 6,
    }
    return damaged(lambda whole: whole.update(net=recycler_report | changes))


def test_a_recycler_report_is_decoded() -> None:
    found, skipped = decode(decoded_net())
    assert found.net == WAITING
    assert not skipped


def test_a_malformed_sample_does_not_cost_the_recycler_report() -> None:
    def spoil(whole: dict[str, Any]) -> None:
        whole["samples"][1]["anonymous"] = "much"
        whole["net"] = {"at": WAITING.at, "state": "watching"}

    found, _ = decode(damaged(spoil))
    assert found.net == RecyclerReport(at=WAITING.at, state=RecyclerState.WATCHING)
    assert numbers(found) == [1, 3]


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": -1},
        {"at": MAX_MEASUREMENT + 1},
        {"recycled": 1 << 70},
        {"at": "much"},
        {"state": "asleep"},
        {"hindrance": "weather"},
        {"because": 7},
    ],
)
def test_a_malformed_recycler_report_is_left_out_and_the_rest_is_kept(
    wrong: dict[str, Any],
) -> None:
    found, skipped = decode(decoded_net(**wrong))
    assert found.net is None
    assert numbers(found) == [1, 2, 3]
    assert skipped == {"safety net that is not of its form": 1}


def test_a_recycler_report_that_is_not_an_object_is_left_out() -> None:
    found, skipped = decode(damaged(lambda whole: whole.update(net=[1])))
    assert found.net is None
    assert skipped == {"safety net that is not of its form": 1}


def test_long_reasons_are_cut() -> None:
    found, _ = decode(decoded_net(because="x" * 5_000))
    assert found.net is not None
    assert found.net.because == "x" * 200
    found, _ = decode(damaged(lambda whole: whole["exits"][0].update(because="y" * 5_000)))
    assert found.exits[0].because == "y" * 200
