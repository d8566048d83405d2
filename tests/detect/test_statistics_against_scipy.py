"""Our statistics, written without numpy for a small server, agree with scipy's."""

import math
import statistics
from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from bugsly_server.detect.fix_proof import _weighted_mean
from bugsly_server.detect.peer_comparison import robust_z
from bugsly_server.detect.pooled_growth import MIN_LIVES, STEPS_PER_LIFE
from bugsly_server.detect.trend_statistics import CONFIDENCE_95, mann_kendall, theil_sen
from bugsly_server.detect.worker_growth import MIN_KENDALL_Z

EXACT = 1e-9
"""Relative: both do the same arithmetic, in another order."""
LEVELS = st.lists(st.integers(-1_000, 1_000) | st.integers(-3, 3), min_size=3, max_size=24)
CONFIDENCE = 2 * float(stats.norm.cdf(CONFIDENCE_95)) - 1
"""What scipy has to be asked for so that it multiplies by exactly our 1.96."""


def kendall_z(values: list[int]) -> float:
    """Return scipy's z of Kendall's tau, with the continuity correction that it leaves out."""
    tau, probability = stats.kendalltau(range(len(values)), values, method="asymptotic")
    pairs = math.comb(len(values), 2)
    tied = sum(math.comb(number, 2) for number in Counter(values).values())
    score = round(tau * math.sqrt(pairs * (pairs - tied)))
    z = float(stats.norm.isf(probability / 2))
    return math.copysign(z * (abs(score) - 1) / abs(score), score) if score else 0.0


@settings(deadline=None)
@given(LEVELS)
def test_mann_kendall_is_kendalls_tau_over_its_deviation(values: list[int]) -> None:
    assume(len(set(values)) > 1)
    assert mann_kendall(values) == pytest.approx(kendall_z(values), rel=1e-6, abs=1e-9)


@settings(deadline=None)
@given(LEVELS, st.data())
def test_theil_sen_and_its_interval_are_those_of_scipy(
    values: list[int], data: st.DataObject
) -> None:
    xs = sorted(
        data.draw(
            st.lists(
                st.integers(0, 10_000), min_size=len(values), max_size=len(values), unique=True
            )
        )
    )
    found = theil_sen(xs, values)
    slope, _, low, high = stats.theilslopes(values, xs, alpha=CONFIDENCE)
    assert found.value == pytest.approx(slope, rel=EXACT, abs=EXACT)
    assert (found.low, found.high) == pytest.approx((low, high), rel=EXACT, abs=EXACT)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(-99, 99)),
        min_size=3,
        max_size=20,
        unique_by=lambda point: point[1],
    )
)
def test_where_points_share_an_x_the_interval_is_never_narrower(
    points: list[tuple[int, int]],
) -> None:
    xs, ys = zip(*points, strict=True)
    assume(len(set(xs)) > 1)
    found = theil_sen(xs, ys)
    slope, _, low, high = stats.theilslopes(ys, xs, alpha=CONFIDENCE)
    assert found.value == pytest.approx(slope, rel=EXACT, abs=EXACT)
    assert found.low <= low + EXACT
    assert found.high >= high - EXACT


@pytest.mark.parametrize("lives", [MIN_LIVES, 20, 50, 200, 1_000])
def test_lives_that_pass_the_pooled_sign_test_pass_the_exact_one(lives: int) -> None:
    steps = lives * STEPS_PER_LIFE
    rising = math.ceil(steps / 2 + MIN_KENDALL_Z * math.sqrt(steps) / 2)
    exact = stats.binomtest(rising, steps, 0.5, alternative="greater").pvalue
    assert exact < 1.35 * stats.norm.sf(MIN_KENDALL_Z)


@settings(deadline=None)
@given(
    st.floats(-1e6, 1e6),
    st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=20),
    st.floats(1.0, 1e5),
)
def test_the_distance_from_peers_is_the_modified_z_score(
    value: float, peers: list[float], noise: float
) -> None:
    deviation = max(stats.median_abs_deviation(peers, scale="normal"), noise)
    expected = (value - statistics.median(peers)) / deviation
    assert robust_z(value, peers, noise) == pytest.approx(expected, rel=1e-4, abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(1.0, 1e3)), min_size=2, max_size=20))
def test_the_weighted_mean_is_the_fit_of_a_constant(measured: list[tuple[float, float]]) -> None:
    values, errors = zip(*measured, strict=True)
    [expected], [[variance]] = optimize.curve_fit(
        lambda xs, constant: constant + 0 * xs,
        [float(index) for index in range(len(values))],
        values,
        p0=[statistics.fmean(values)],
        sigma=errors,
        absolute_sigma=True,
    )
    spread = sum(((value - expected) / error) ** 2 for value, error in measured)
    disagreement = max(1.0, spread / (len(measured) - 1))
    mean, margin = _weighted_mean(measured)
    assert mean == pytest.approx(expected, rel=1e-5, abs=1e-3)
    assert margin == pytest.approx(CONFIDENCE_95 * math.sqrt(variance * disagreement), rel=1e-4)
