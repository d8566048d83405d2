import math
import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly_server.detect.trend_statistics import mann_kendall, median, theil_sen

VALUES = st.lists(st.integers(-1000, 1000), min_size=2, max_size=20)


@pytest.mark.parametrize(
    ("values", "z"),
    [
        ([1, 2, 3, 4, 5, 6], 14 / math.sqrt(6 * 5 * 17 / 18)),
        ([6, 5, 4, 3, 2, 1], -14 / math.sqrt(6 * 5 * 17 / 18)),
        ([1, 3, 2, 4], 3 / math.sqrt(4 * 3 * 13 / 18)),
        ([1, 1, 2, 2], 3 / math.sqrt((4 * 3 * 13 - 2 * 2 * 1 * 9) / 18)),
        ([1, 2, 2, 2, 3], 6 / math.sqrt((5 * 4 * 15 - 3 * 2 * 11) / 18)),
        ([5, 5, 5, 5], 0.0),
        ([1, 2, 1], 0.0),
        ([7], 0.0),
        ([], 0.0),
    ],
)
def test_mann_kendall_on_series_worked_by_hand(values: list[float], z: float) -> None:
    assert mann_kendall(values) == pytest.approx(z)


def test_sixteen_rising_blocks_are_as_sure_as_it_gets() -> None:
    assert mann_kendall(range(16)) == pytest.approx(119 / math.sqrt(16 * 15 * 37 / 18))


@given(VALUES)
def test_a_series_read_backwards_has_the_opposite_trend(values: list[int]) -> None:
    assert mann_kendall(values[::-1]) == pytest.approx(-mann_kendall(values))


@given(VALUES, st.integers(-50, 50), st.integers(1, 9))
def test_the_trend_does_not_depend_on_units(values: list[int], shift: int, factor: int) -> None:
    moved = [factor * value + shift for value in values]
    assert mann_kendall(moved) == pytest.approx(mann_kendall(values))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-99, 99)), min_size=2, max_size=15))
def test_theil_sen_is_the_median_of_all_pairwise_slopes(points: list[tuple[int, int]]) -> None:
    xs, ys = [float(x) for x, _ in points], [float(y) for _, y in points]
    slopes = sorted(
        (y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x1 != x2
    )
    found = theil_sen(xs, ys)
    assert found.value == (pytest.approx(median(slopes)) if slopes else 0.0)
    assert found.low <= found.value <= found.high


def test_one_wild_value_in_five_does_not_move_the_slope_far() -> None:
    ys = [10.0 * x for x in range(20)]
    for place in (3, 8, 13, 18):
        ys[place] = 1e9
    assert theil_sen([float(x) for x in range(20)], ys).value == pytest.approx(10, rel=0.3)


def test_the_interval_covers_the_truth_in_nine_of_ten_draws() -> None:
    truth, covered = 7_000.0, 0
    for seed in range(400):
        rng = random.Random(seed)
        xs = [1_000.0 * index for index in range(16)]
        found = theil_sen(xs, [truth * x + rng.gauss(0, 4e6) for x in xs])
        covered += found.low <= truth <= found.high
    assert 360 <= covered < 400


@given(st.lists(st.integers(), min_size=1, max_size=9))
def test_the_median_has_as_many_values_below_as_above(values: list[int]) -> None:
    middle = median(sorted(values))
    below, above = sum(v < middle for v in values), sum(v > middle for v in values)
    assert max(below, above) <= len(values) / 2
