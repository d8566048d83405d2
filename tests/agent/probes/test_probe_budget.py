"""How much time of a worker expensive probes may take, whatever a server requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly.probes.probe_budget import (
    DAY_SECONDS,
    FIRST_SECONDS,
    MAX_PROBE_SECONDS,
    MAX_SHARE,
    MAX_SHARE_BY_HAND,
    ProbeBudget,
    probe_cost,
)
from bugsly.protocol.evidence import AllocationWindow, HeapGrowth, ProbeResult

DAILY_SECONDS = MAX_SHARE * DAY_SECONDS
FOUR_WALKS = HeapGrowth(
    walker="c", requests=(0, 100, 200, 300), objects=9, bytes=9, pause=0.01, seconds=2.0
)
WINDOW = AllocationWindow(method="tracemalloc", requests=200, seconds=40.0, grown=1)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_new_worker_may_spend_a_little() -> None:
    budget = ProbeBudget(Clock())
    assert budget.refusal(by_hand=False) == ""
    budget.spend(FIRST_SECONDS)
    assert budget.refusal(by_hand=False) == (
        "this worker spent 30 s on expensive probes within a day, and may spend 0.5 % of its time"
        " → ask again later"
    )


def test_a_worker_earns_a_share_of_its_life() -> None:
    clock = Clock()
    budget = ProbeBudget(clock)
    budget.spend(FIRST_SECONDS + 10)
    clock.now += 10 / MAX_SHARE - 1
    assert budget.refusal(by_hand=False)
    clock.now += 2
    assert not budget.refusal(by_hand=False)


def test_what_a_person_requests_may_take_more_but_not_all() -> None:
    budget = ProbeBudget(Clock())
    budget.spend(DAILY_SECONDS)
    assert budget.refusal(by_hand=False)
    assert not budget.refusal(by_hand=True)
    budget.spend(MAX_SHARE_BY_HAND * DAY_SECONDS - DAILY_SECONDS - MAX_PROBE_SECONDS)
    assert "may spend 2 % of its time" in budget.refusal(by_hand=True)


def test_a_day_later_all_is_as_before() -> None:
    clock = Clock()
    budget = ProbeBudget(clock)
    budget.spend(10 * DAILY_SECONDS)
    clock.now += DAY_SECONDS + 3_600
    assert not budget.refusal(by_hand=False)


@given(
    st.lists(
        st.tuples(st.floats(0, 8_000), st.floats(0, MAX_PROBE_SECONDS)), min_size=1, max_size=60
    )
)
def test_no_day_has_more_than_its_share_whatever_is_requested(
    requests: list[tuple[float, float]],
) -> None:
    clock = Clock()
    budget = ProbeBudget(clock)
    run: list[tuple[float, float]] = []
    for pause, seconds in requests:
        clock.now += pause
        if not budget.refusal(by_hand=False):
            budget.spend(seconds)
            run.append((clock.now, seconds))
    for begin, _ in run:
        day = sum(seconds for at, seconds in run if begin <= at < begin + DAY_SECONDS)
        assert day <= DAILY_SECONDS + 1e-6


@pytest.mark.parametrize(
    ("result", "cost"),
    [
        (ProbeResult(ask=1), 0.5),
        (ProbeResult(ask=1, heap=FOUR_WALKS), 8.5),
        (ProbeResult(ask=1, window=WINDOW), 40.5),
        (ProbeResult(ask=1, problem="no request came"), 60.0),
    ],
)
def test_a_probe_costs_what_it_took_of_the_worker(result: ProbeResult, cost: float) -> None:
    assert probe_cost(result, cpu_seconds=0.5, seconds=60.0) == cost
