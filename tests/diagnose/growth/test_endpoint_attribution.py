"""Laws of the attribution of a growth to endpoints."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bugsly_server.diagnose.growth.endpoint_attribution import (
    MAX_ENDPOINTS,
    GrowthInterval,
    attribute_growth,
    driving_requests,
    has_driver,
)

A, B, C = "GET /a", "POST /b", "GET /c"
SLOPES = st.sampled_from([0.0, 0.01, 0.3, 1.0, 2.0, 17.5, 800.0])


def growth_intervals(
    slopes: dict[str, float], number: int = 60, noise: float = 0.0, seed: int = 2
) -> list[GrowthInterval]:
    dice = random.Random(seed)
    found = []
    for _ in range(number):
        served = {name: dice.randint(0, 40) for name in slopes}
        grown = sum(slopes[name] * served[name] for name in slopes) + dice.gauss(0, noise)
        found.append(GrowthInterval(grown, served, {}))
    return found


@settings(max_examples=40, deadline=None)
@given(SLOPES, SLOPES, SLOPES, st.integers(0, 99))
def test_planted_slopes_are_found_again(a: float, b: float, c: float, seed: int) -> None:
    planted = {A: a, B: b, C: c}
    found = {one.endpoint: one for one in attribute_growth(growth_intervals(planted, seed=seed))}
    for name, slope in planted.items():
        if slope > max(planted.values()) / 10:
            assert found[name].slope == pytest.approx(slope, rel=0.02)
            assert found[name].low <= slope * 1.01
            assert found[name].high >= slope * 0.99


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 9), st.integers(0, 9)), max_size=40))
def test_shares_are_never_negative_and_make_one_whole(
    rows: list[tuple[float, int, int]],
) -> None:
    found = attribute_growth([GrowthInterval(grown, {A: a, B: b}, {}) for grown, a, b in rows])
    assert all(one.slope >= 0 and one.low >= 0 and one.high >= 0 for one in found)
    assert sum(one.part for one in found) == pytest.approx(1.0 if found else 0.0, abs=0.03)
    assert list(found) == sorted(found, key=lambda share: share.part, reverse=True)


def test_the_same_intervals_always_give_the_same_shares() -> None:
    rows = growth_intervals({A: 3.0, B: 1.0}, noise=40)
    assert attribute_growth(rows) == attribute_growth(rows)


def test_noise_does_not_hide_the_driving_endpoint() -> None:
    found = attribute_growth(growth_intervals({A: 800.0, B: 0.0}, noise=4_000))
    assert found[0].endpoint == A
    assert has_driver(found)


def test_where_two_drive_none_does_alone() -> None:
    found = attribute_growth(growth_intervals({A: 10.0, B: 10.0}))
    assert {one.endpoint for one in found} == {A, B}
    assert not has_driver(found)


@pytest.mark.parametrize("ratio", [1, 3])
def test_endpoints_that_always_come_together_say_so(ratio: int) -> None:
    dice = random.Random(4)
    counts = [dice.randint(1, 30) for _ in range(50)]
    found = attribute_growth([GrowthInterval(float(n), {A: n, B: ratio * n}, {}) for n in counts])
    assert {one.together for one in found} <= {(A,), (B,)}
    assert not has_driver(found)


def test_failing_requests_at_other_times_are_counted_apart() -> None:
    dice = random.Random(6)
    failed = [dice.randint(0, 20) for _ in range(60)]
    found = attribute_growth([GrowthInterval(float(n), {A: 30}, {A: n}) for n in failed])
    assert (found[0].endpoint, found[0].failing) == (A, True)
    assert driving_requests(GrowthInterval(0.0, {A: 30}, {A: 4}), found) == 4


@pytest.mark.parametrize(("of_failing", "counted"), [(0, 26), (1, 30)])
def test_failing_requests_that_do_nothing_are_not_counted(of_failing: int, counted: int) -> None:
    dice = random.Random(6)
    failed = [dice.randint(0, 20) for _ in range(60)]
    found = attribute_growth(
        [GrowthInterval(30.0 - n + of_failing * n, {A: 30}, {A: n}) for n in failed]
    )
    assert (found[0].endpoint, found[0].failing) == (A, False)
    assert driving_requests(GrowthInterval(0.0, {A: 30}, {A: 4}), found) == counted


@pytest.mark.parametrize("part", [5, 30])
def test_failing_requests_that_always_come_along_stay_with_their_endpoint(part: int) -> None:
    found = attribute_growth([GrowthInterval(30.0, {A: 30}, {A: part}) for _ in range(20)])
    assert [(one.endpoint, one.together) for one in found] == [(A, ())]
    assert has_driver(found)
    assert driving_requests(GrowthInterval(0.0, {A: 30}, {A: part}), found) == 30


def test_all_but_the_busiest_endpoints_count_as_one() -> None:
    dice = random.Random(8)
    busy = [f"GET /{number}" for number in range(MAX_ENDPOINTS)]
    rows = []
    for _ in range(100):
        rare = {A: dice.randint(0, 3), B: dice.randint(0, 3)}
        served = {**{name: dice.randint(10, 40) for name in busy}, **rare}
        rows.append(GrowthInterval(9.0 * sum(rare.values()), served, {}))
    found = attribute_growth(rows)
    assert found[0].endpoint == ""
    assert found[0].slope == pytest.approx(9.0, rel=0.02)
    assert not has_driver(found)


def test_nothing_served_has_no_shares() -> None:
    assert attribute_growth([]) == ()
    assert attribute_growth([GrowthInterval(5.0, {}, {})]) == ()
    assert attribute_growth([GrowthInterval(-5.0, {A: 3}, {})]) == ()
