"""Laws of the patterns in which holders grow."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly_server.diagnose.growth.growth_pattern import (
    RESOURCES_THRESHOLD,
    GrowthPattern,
    HolderPoint,
    judge_growth,
)

KINDS = st.sampled_from(["list", "dict"])
REQUEST_GAPS = st.lists(st.integers(1, 200), min_size=12, max_size=80).filter(
    lambda gaps: sum(gaps) > 400
)


def counts_over_time(gaps: list[int], held: object) -> list[HolderPoint]:
    assert callable(held)
    requests, found = 0, [HolderPoint(0, held(0))]
    for gap in gaps:
        requests += gap
        found.append(HolderPoint(requests, held(requests)))
    return found


@pytest.mark.parametrize("every", [1, 2, 3, 4])
def test_a_line_that_is_not_read_in_every_sample_is_no_staircase(every: int) -> None:
    looks = counts_over_time([20] * 40, lambda x: x)
    stale = [
        HolderPoint(one.requests, looks[at - at % every].level) for at, one in enumerate(looks)
    ]
    assert judge_growth(stale).pattern is GrowthPattern.STEADY


@pytest.mark.parametrize("part", [0.2, 0.5, 0.8, 0.95])
def test_a_jump_is_not_taken_for_a_line_between_two_readings(part: float) -> None:
    jumped = counts_over_time([20] * 40, lambda x: 500 if x > part * 800 else 0)
    assert judge_growth(jumped).pattern is not GrowthPattern.STEADY


@given(REQUEST_GAPS, st.sampled_from([1, 2, 5, 40]), KINDS, st.integers(0, 10_000))
def test_a_straight_line_is_steady_however_it_was_sampled(
    gaps: list[int], slope: int, kind: str, begin: int
) -> None:
    run = judge_growth(
        counts_over_time(gaps, lambda x: begin + slope * x), has_unique_keys=kind == "dict"
    )
    assert run.pattern is GrowthPattern.STEADY
    assert run.per_request == pytest.approx(slope)


@given(REQUEST_GAPS, st.floats(2.0, 40.0), KINDS)
def test_a_curve_that_saturates_is_never_steady(gaps: list[int], turns: float, kind: str) -> None:
    whole = sum(gaps)
    stock = 5_000
    found = counts_over_time(gaps, lambda x: round(stock * (1 - math.exp(-turns * x / whole))))
    assert judge_growth(found, has_unique_keys=kind == "dict").pattern in {
        GrowthPattern.FILLING,
        GrowthPattern.EARLY,
        GrowthPattern.STILL,
    }


@given(REQUEST_GAPS, st.integers(0, 31))
def test_a_few_entries_that_stay_are_no_pattern(gaps: list[int], few: int) -> None:
    whole = sum(gaps)
    run = judge_growth(counts_over_time(gaps, lambda x: few * x // whole))
    assert run.pattern in {GrowthPattern.EARLY, GrowthPattern.STILL}


@given(REQUEST_GAPS, st.integers(1, 9))
def test_within_its_bound_a_holder_is_bounded(gaps: list[int], slope: int) -> None:
    found = counts_over_time(gaps, lambda x: slope * x)
    assert judge_growth(found, bound=found[-1].level).pattern is GrowthPattern.BOUNDED
    assert judge_growth(found, bound=found[-1].level // 2).pattern is GrowthPattern.STEADY


def test_one_point_is_too_early() -> None:
    assert judge_growth([]).pattern is GrowthPattern.EARLY
    assert judge_growth([HolderPoint(0, 900)]).final_level == 900


@pytest.mark.parametrize(
    ("name", "held", "course"),
    [
        ("it grew once, and stays", lambda x: 1_000 if x > 50 else 0, GrowthPattern.FILLING),
        ("it grew at the end only", lambda x: 1_000 if x > 900 else 0, GrowthPattern.EARLY),
        ("it came in three bursts", lambda x: 300 * (x // 333), GrowthPattern.EARLY),
        ("it shrank", lambda x: 1_000 - x, GrowthPattern.EARLY),
        ("half of the requests bring something new", lambda x: x // 2, GrowthPattern.STEADY),
        ("a square root", lambda x: int(100 * math.sqrt(x)), GrowthPattern.FILLING),
    ],
)
def test_patterns(name: str, held: object, course: GrowthPattern) -> None:
    assert judge_growth(counts_over_time([20] * 50, held)).pattern is course, name


def test_a_resource_that_few_requests_create_is_judged_sooner_than_an_entry() -> None:
    few = counts_over_time([5] * 10, lambda x: x)
    assert judge_growth(few, threshold=RESOURCES_THRESHOLD).pattern is GrowthPattern.STEADY
    assert judge_growth(few).pattern is GrowthPattern.EARLY


@pytest.mark.parametrize("turns", [0.2, 0.5, 1.0])
def test_a_finite_set_of_keys_is_distinguished_from_an_infinite_one(turns: float) -> None:
    """Both bring as many entries in all: one ever fewer, the other at the same pace."""
    requests, stock = 4_000, round(4_000 / turns)
    filling = counts_over_time([100] * 40, lambda x: round(stock * (1 - math.exp(-x / stock))))
    endless = counts_over_time([100] * 40, lambda x: round(filling[-1].level * x / requests))
    assert judge_growth(filling, has_unique_keys=True).pattern is GrowthPattern.FILLING
    assert judge_growth(endless, has_unique_keys=True).pattern is (
        GrowthPattern.STEADY if turns > 0.2 else GrowthPattern.FILLING
    )
