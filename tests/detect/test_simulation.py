"""A few seeds of each fleet; `python -m tests.detect.table` tries many for hours."""

import pytest
from tests.detect.fleets import FILLING, HONEST, LEAKY
from tests.detect.simulation import opened_after
from tests.detect.table import run

from bugsly_server.model.issue import ChangeKind

SEEDS = (1, 2)
FAST = {
    "one of four, 7 kB": 90,
    "one of four, 7 kB, 80 requests/s": 60,
    "two of four, 7 kB": 90,
    "one of four, 7 kB in 5 % of requests": 1_200,
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_fleet_is_left_in_peace(name: str) -> None:
    told = [one for seed in SEEDS for one in run(HONEST[name], seed, hours=1.0).told]
    assert told == []


@pytest.mark.parametrize("name", FILLING)
def test_a_cache_that_fills_is_not_alerted_in_the_first_ten_minutes(name: str) -> None:
    for seed in SEEDS:
        assert opened_after(run(FILLING[name], seed, hours=0.25).told) > 600


@pytest.mark.parametrize("name", LEAKY)
def test_a_leak_is_found_and_alerted_once(name: str) -> None:
    told = run(LEAKY[name], 1, hours=2.1).told
    assert [one.change.kind for one in told[:1]] == [ChangeKind.OPENED]
    assert len(told) <= 3


@pytest.mark.parametrize("name", FAST)
def test_with_a_sample_a_second_a_leak_in_one_worker_is_found_within_its_first_minutes(
    name: str,
) -> None:
    for seed in SEEDS:
        assert opened_after(run(LEAKY[name], seed, hours=0.4, every=1.0).told) <= FAST[name]
