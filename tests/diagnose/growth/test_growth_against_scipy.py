"""Least squares and the share of new keys, written without numpy, agree with scipy."""

import math
import operator
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from bugsly_server.diagnose.growth.endpoint_attribution import (
    MAX_ENDPOINTS,
    GrowthInterval,
    attribute_growth,
)
from bugsly_server.diagnose.growth.growth_pattern import _draws_per_key
from bugsly_server.diagnose.growth.non_negative_least_squares import solve_non_negative

SLOPES = st.sampled_from([-40.0, 0.0, 0.3, 2.0, 17.5, 800.0])


def nnls_slopes(intervals: list[GrowthInterval], names: list[str]) -> dict[str, float]:
    """Return scipy's slopes; a row counts by the inverse of its requests, as with us."""
    weights = [max(1, interval.requests) ** -0.5 for interval in intervals]
    rows = [
        [weight * interval.served[name] for name in names]
        for weight, interval in zip(weights, intervals, strict=True)
    ]
    gained = [weight * one.gained for weight, one in zip(weights, intervals, strict=True)]
    solution, _ = optimize.nnls(rows, gained)
    return dict(zip(names, map(float, solution), strict=True))


@settings(max_examples=40, deadline=None)
@given(st.lists(SLOPES, min_size=1, max_size=MAX_ENDPOINTS), st.integers(0, 9_999))
def test_slopes_of_endpoints_are_those_of_non_negative_least_squares(
    slopes: list[float], seed: int
) -> None:
    dice = random.Random(seed)
    names = [f"GET /{number}" for number in range(len(slopes))]
    intervals = []
    for _ in range(60):
        served = {name: dice.randint(0, 40) for name in names}
        gained = sum(slope * served[name] for slope, name in zip(slopes, names, strict=True))
        intervals.append(GrowthInterval(gained + dice.gauss(0, 200), served, {}))
    expected = nnls_slopes(intervals, names)
    totals = {name: sum(one.served[name] for one in intervals) for name in names}
    whole_growth = sum(expected[name] * totals[name] for name in names)
    found = {share.endpoint: share.slope for share in attribute_growth(intervals)}
    for name in names:
        if name in found:
            assert found[name] == pytest.approx(expected[name], rel=0.01)
        else:
            assert expected[name] * totals[name] <= 0.0101 * whole_growth


@settings(max_examples=100, deadline=None)
@given(st.integers(1, MAX_ENDPOINTS), st.sampled_from([0.5, 0.2, 0.05]), st.integers(0, 9_999))
def test_slopes_are_exact_where_all_endpoints_follow_one_load(
    endpoints: int, noise: float, seed: int
) -> None:
    dice = random.Random(seed)
    slopes = [dice.choice([-40.0, 0.0, 0.3, 2.0, 17.5, 800.0]) for _ in range(endpoints)]
    rows, gained = [], []
    for _ in range(60):
        load = dice.uniform(5, 40)
        row = [load * max(0.0, dice.gauss(1, noise)) for _ in slopes]
        rows.append(row)
        gained.append(sum(map(operator.mul, row, slopes)) + dice.gauss(0, 200))
    columns = list(zip(*rows, strict=True))
    gram = [[sum(map(operator.mul, a, b)) for b in columns] for a in columns]
    moment = [sum(map(operator.mul, column, gained)) for column in columns]
    expected, _ = optimize.nnls(rows, gained)
    assert solve_non_negative(gram, moment) == pytest.approx(list(expected), rel=1e-4, abs=1e-4)


def test_a_column_that_others_explain_gets_nothing() -> None:
    gram = [[4.0, 4.0], [4.0, 4.0]]
    assert solve_non_negative(gram, [8.0, 8.0]) == [2.0, 0.0]
    assert solve_non_negative([[0.0]], [0.0]) == [0.0]
    assert solve_non_negative([], []) == []


@given(st.floats(0.03, 0.999))
def test_the_draws_per_key_are_those_of_lamberts_w(new: float) -> None:
    expected = 1 / new + special.lambertw(-math.exp(-1 / new) / new).real
    assert _draws_per_key(new) == pytest.approx(float(expected), rel=1e-6, abs=1e-6)
