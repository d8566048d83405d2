"""Laws of the courses that holders take."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly_server.diagnose.steady import OF_THINGS, Course, Place, judge_run

KINDS = st.sampled_from(["list", "dict"])
GAPS = st.lists(st.integers(1, 200), min_size=12, max_size=80).filter(lambda gaps: sum(gaps) > 400)


def places(gaps: list[int], held: object) -> list[Place]:
    assert callable(held)
    requests, found = 0, [Place(0, held(0))]
    for gap in gaps:
        requests += gap
        found.append(Place(requests, held(requests)))
    return found


@pytest.mark.parametrize("every", [1, 2, 3, 4])
def test_a_line_that_is_not_read_in_every_sample_is_no_staircase(every: int) -> None:
    looks = places([20] * 40, lambda x: x)
    stale = [Place(one.requests, looks[at - at % every].held) for at, one in enumerate(looks)]
    assert judge_run(stale).course is Course.STEADY


@pytest.mark.parametrize("part", [0.2, 0.5, 0.8, 0.95])
def test_a_jump_is_not_taken_for_a_line_between_two_readings(part: float) -> None:
    jumped = places([20] * 40, lambda x: 500 if x > part * 800 else 0)
    assert judge_run(jumped).course is not Course.STEADY


@given(GAPS, st.sampled_from([1, 2, 5, 40]), KINDS, st.integers(0, 10_000))
def test_a_straight_line_is_steady_however_it_was_looked_at(
    gaps: list[int], slope: int, kind: str, begin: int
) -> None:
    run = judge_run(places(gaps, lambda x: begin + slope * x), keyed=kind == "dict")
    assert run.course is Course.STEADY
    assert run.each == pytest.approx(slope)


@given(GAPS, st.floats(2.0, 40.0), KINDS)
def test_a_curve_that_saturates_is_never_steady(gaps: list[int], turns: float, kind: str) -> None:
    whole = sum(gaps)
    stock = 5_000
    found = places(gaps, lambda x: round(stock * (1 - math.exp(-turns * x / whole))))
    assert judge_run(found, keyed=kind == "dict").course in {
        Course.FILLING,
        Course.EARLY,
        Course.STILL,
    }


@given(GAPS, st.integers(0, 31))
def test_a_few_entries_that_stay_are_no_course(gaps: list[int], few: int) -> None:
    whole = sum(gaps)
    run = judge_run(places(gaps, lambda x: few * x // whole))
    assert run.course in {Course.EARLY, Course.STILL}


@given(GAPS, st.integers(1, 9))
def test_within_its_bound_a_holder_is_bounded(gaps: list[int], slope: int) -> None:
    found = places(gaps, lambda x: slope * x)
    assert judge_run(found, bound=found[-1].held).course is Course.BOUNDED
    assert judge_run(found, bound=found[-1].held // 2).course is Course.STEADY


def test_one_look_is_too_early() -> None:
    assert judge_run([]).course is Course.EARLY
    assert judge_run([Place(0, 900)]).held == 900


@pytest.mark.parametrize(
    ("name", "held", "course"),
    [
        ("it grew once, and stays", lambda x: 1_000 if x > 50 else 0, Course.FILLING),
        ("it grew at the end only", lambda x: 1_000 if x > 900 else 0, Course.EARLY),
        ("it came in three bursts", lambda x: 300 * (x // 333), Course.EARLY),
        ("it shrank", lambda x: 1_000 - x, Course.EARLY),
        ("half of the requests bring something new", lambda x: x // 2, Course.STEADY),
        ("a square root", lambda x: int(100 * math.sqrt(x)), Course.FILLING),
    ],
)
def test_courses(name: str, held: object, course: Course) -> None:
    assert judge_run(places([20] * 50, held)).course is course, name


def test_a_thing_that_few_requests_make_is_judged_sooner_than_an_entry() -> None:
    few = places([5] * 10, lambda x: x)
    assert judge_run(few, least=OF_THINGS).course is Course.STEADY
    assert judge_run(few).course is Course.EARLY


@pytest.mark.parametrize("turns", [0.2, 0.5, 1.0])
def test_keys_of_a_stock_are_told_from_keys_that_never_end(turns: float) -> None:
    """Both bring as many entries in all: one ever fewer, the other at the same pace."""
    requests, stock = 4_000, round(4_000 / turns)
    filling = places([100] * 40, lambda x: round(stock * (1 - math.exp(-x / stock))))
    endless = places([100] * 40, lambda x: round(filling[-1].held * x / requests))
    assert judge_run(filling, keyed=True).course is Course.FILLING
    assert judge_run(endless, keyed=True).course is (
        Course.STEADY if turns > 0.2 else Course.FILLING
    )
