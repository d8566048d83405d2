"""The max_requests that keeps every worker below the limit, and what is said of the one set."""

from typing import Any

import pytest
from tests.support.clock import START
from tests.support.issues import finding, suspect
from tests.support.stored_workers import judgement_of, stored_worker

from bugsly_server.detect.max_requests import (
    SPARE_PART,
    max_bytes_per_request,
    propose_max_requests,
)
from bugsly_server.model.growth import GrowthAxis, GrowthVerdict
from bugsly_server.model.issue import Finding
from bugsly_server.model.max_requests import MaxRequestsProposal, SettingVerdict
from bugsly_server.model.worker import Worker

MB = 1_000_000
SLOPE = 10_000.0
LEAK = finding(suspects=(suspect(high=SLOPE),), slope=SLOPE)
"""Gains 10 kB with a request."""


def leaking(number: int = 1, **changes: Any) -> Worker:
    """Return one of four workers that started at 100 MB, on a machine of 4 GB with 100 MB else."""
    fields: dict[str, Any] = {
        "anonymous": 300 * MB,
        "requests": 20_000,
        "used": 1_300 * MB,
        "limit": 4_000 * MB,
        "rate": 5.0,
        "judgement": judgement_of(GrowthVerdict.GROWING, SLOPE, low=SLOPE, high=SLOPE),
    }
    return stored_worker(number, **(fields | changes))


def fleet(**changes: Any) -> list[Worker]:
    return [leaking(number, **changes) for number in range(1, 5)]


def advised_limit(workers: list[Worker], leak_found: Finding = LEAK) -> MaxRequestsProposal:
    found = propose_max_requests(workers, max_bytes_per_request(leak_found), START)
    assert found is not None
    return found


def test_even_the_luckiest_worker_leaves_before_the_machine_is_full() -> None:
    found = advised_limit(fleet())
    assert (found.workers, found.room, found.start) == (4, 875 * MB, 100 * MB)
    assert (found.most, found.requests, found.jitter) == (77_400, 64_000, 12_000)
    full = 4 * (found.start + (found.requests + found.jitter) * SLOPE) + 100 * MB
    assert full <= (1 - SPARE_PART) * 4_000 * MB


def test_a_proposal_has_lines_with_their_reasons_and_cost() -> None:
    found = advised_limit(fleet())
    assert found.lines == "max_requests = 64000\nmax_requests_jitter = 12000"
    assert found.because == (
        "4 workers below 4 GB may hold 875 MB each; a fresh one holds 100 MB, "
        "and reaches that after 77,400 requests at the soonest"
    )
    assert found.cost == "it restarts 25 workers a day at the present rate"
    assert found.recycle_at == "BUGSLY_RECYCLE_AT=870MB"
    assert found.verdict == ""


@pytest.mark.parametrize(
    ("set_to", "jitter", "present", "verdict"),
    [
        (
            1_000,
            50,
            SettingVerdict.LOW,
            "max_requests = 1,000 is lower than it has to be; it restarts ",
        ),
        (33_000, 0, SettingVerdict.RIGHT, "max_requests = 33,000 is about right"),
        (70_000, 5_000, SettingVerdict.RIGHT, "max_requests = 70,000 is about right"),
        (
            70_000,
            9_000,
            SettingVerdict.HIGH,
            "max_requests = 70,000 is too high: a worker reaches 875 MB",
        ),
        (
            200_000,
            0,
            SettingVerdict.HIGH,
            "max_requests = 200,000 is too high: a worker reaches 875 MB",
        ),
    ],
)
def test_what_is_set_already_is_judged(
    set_to: int, jitter: int, present: SettingVerdict, verdict: str
) -> None:
    found = advised_limit(fleet(facts={"max_requests": set_to, "max_requests_jitter": jitter}))
    assert found.present is present
    assert found.verdict.startswith(verdict)


def test_where_a_fresh_worker_is_too_big_nothing_is_promised() -> None:
    found = advised_limit(
        fleet(anonymous=1_050 * MB, used=4_000 * MB, limit=4_000 * MB, requests=10_000)
    )
    assert (found.requests, found.recycle_at) == (0, "")
    assert found.because.endswith("fewer workers or more memory are needed")


def test_the_machine_with_least_room_decides() -> None:
    small = leaking(5, machine="ffff", limit=1_000 * MB, used=400 * MB)
    assert advised_limit([*fleet(), small]).limit == 1_000 * MB


def test_without_traffic_the_cost_is_not_known() -> None:
    assert advised_limit(fleet(rate=0.0)).cost.startswith("what it costs is not known")


@pytest.mark.parametrize(
    ("seen", "lives", "because"),
    [
        (LEAK, [], "nobody lives"),
        (LEAK, fleet(limit=0), "no limit is known"),
        (
            LEAK,
            fleet(judgement=stored_worker().judgement),
            "what a fresh worker holds is not known",
        ),
        (
            finding(suspects=(suspect(axis=GrowthAxis.TIME),), axis=GrowthAxis.TIME),
            fleet(judgement=judgement_of(GrowthVerdict.GROWING, axis=GrowthAxis.TIME)),
            "it grows with time",
        ),
    ],
)
def test_nothing_is_suggested_on_what_is_not_known(
    seen: Finding, lives: list[Worker], because: str
) -> None:
    assert propose_max_requests(lives, max_bytes_per_request(seen), START) is None, because


def test_a_growth_that_restarts_hide_is_reckoned_with() -> None:
    pooled = finding(suspects=(), slope=2 * SLOPE)
    assert advised_limit(fleet(), pooled).most == 38_750
