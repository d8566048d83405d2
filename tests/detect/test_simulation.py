"""A few seeds of each fleet; `python -m tests.detect.fleet_table` tries many for hours."""

import pytest
from tests.detect.fleet_table import run_fleet
from tests.detect.fleets import FILLING_FLEETS, HONEST_FLEETS, LEAKY_FLEETS
from tests.detect.simulation import opened_after

from bugsly_server.model.issue import IssueChangeKind

SEEDS = (1, 2)
FAST = {
    "one of four, 7 kB": 90,
    "one of four, 7 kB, 80 requests/s": 60,
    "two of four, 7 kB": 90,
    "one of four, 7 kB in 5 % of requests": 1_200,
}


@pytest.mark.parametrize("name", HONEST_FLEETS)
def test_an_honest_fleet_is_left_in_peace(name: str) -> None:
    told = [one for seed in SEEDS for one in run_fleet(HONEST_FLEETS[name], seed, hours=1.0).alerts]
    assert told == []


@pytest.mark.parametrize("name", FILLING_FLEETS)
def test_a_cache_that_fills_is_not_alerted_in_the_first_ten_minutes(name: str) -> None:
    for seed in SEEDS:
        assert opened_after(run_fleet(FILLING_FLEETS[name], seed, hours=0.25).alerts) > 600


@pytest.mark.parametrize("name", LEAKY_FLEETS)
def test_a_leak_is_found_and_alerted_once(name: str) -> None:
    told = run_fleet(LEAKY_FLEETS[name], 1, hours=2.1).alerts
    assert [one.change.kind for one in told[:1]] == [IssueChangeKind.OPENED]
    assert len(told) <= 3


@pytest.mark.parametrize("name", FAST)
def test_with_a_sample_a_second_a_leak_in_one_worker_is_found_within_its_first_minutes(
    name: str,
) -> None:
    for seed in SEEDS:
        assert (
            opened_after(run_fleet(LEAKY_FLEETS[name], seed, hours=0.4, sample_seconds=1.0).alerts)
            <= FAST[name]
        )
