import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.stored_workers import MB, judgement_of, stored_worker

from bugsly_server.detect.peer_comparison import has_levelled_peer, is_outlier, robust_z
from bugsly_server.model.growth import GrowthAxis, GrowthVerdict
from bugsly_server.model.worker import Worker


def growing_worker(
    worker_id: int, slope: float, level: int = 100 * MB, axis: GrowthAxis = GrowthAxis.REQUESTS
) -> Worker:
    return stored_worker(
        worker_id, anonymous=level, judgement=judgement_of(GrowthVerdict.GROWING, slope, axis=axis)
    )


def peers(
    *slopes: float, level: int = 100 * MB, axis: GrowthAxis = GrowthAxis.REQUESTS
) -> list[Worker]:
    return [growing_worker(10 + n, slope, level + n * MB, axis) for n, slope in enumerate(slopes)]


@pytest.mark.parametrize(
    ("value", "others", "z"),
    [
        (10.0, [1.0, 2.0, 3.0], 0.6745 * 8 / 1),
        (2.0, [1.0, 2.0, 3.0], 0.0),
        (10.0, [2.0, 2.0, 2.0], 8 / 0.5),
        (-6.0, [1.0, 2.0, 3.0, 4.0, 100.0], -0.6745 * 9 / 1),
    ],
)
def test_the_distance_is_measured_by_median_and_mad(
    value: float, others: list[float], z: float
) -> None:
    assert robust_z(value, others, 0.5) == pytest.approx(z)


@given(st.floats(0, 1e6), st.lists(st.floats(0, 1e6), min_size=3, max_size=9), st.floats(1, 1e6))
def test_no_worker_is_further_away_for_having_a_lower_slope(
    value: float, others: list[float], less: float
) -> None:
    assert robust_z(value - less, others, 256.0) <= robust_z(value, others, 256.0)


@pytest.mark.parametrize(
    ("worker", "others", "apart"),
    [
        (growing_worker(1, 7_000, 120 * MB), peers(0, 10, -10), True),
        (growing_worker(1, 7_000, 101 * MB), peers(0, 10, -10), False),
        (growing_worker(1, 150, 120 * MB), peers(0, 10, -10), False),
        (growing_worker(1, 7_000, 120 * MB), peers(0, 10), False),
        (growing_worker(1, 7_000, 120 * MB), peers(6_000, 7_000, 8_000), False),
        (growing_worker(1, 7_000, 160 * MB), peers(2_000, 2_000, 2_000), False),
        (growing_worker(1, 9_500, 160 * MB), peers(2_000, 2_000, 2_000), True),
        (
            growing_worker(1, 0.9 * MB, 160 * MB, GrowthAxis.TIME),
            peers(0, 10, -10, axis=GrowthAxis.TIME),
            False,
        ),
        (
            growing_worker(1, 8.0 * MB, 160 * MB, GrowthAxis.TIME),
            peers(0, 10, -10, axis=GrowthAxis.TIME),
            True,
        ),
        (stored_worker(1), peers(0, 10, -10), False),
    ],
)
def test_apart_is_who_grows_and_has_grown_unlike_at_least_three_peers(
    worker: Worker, others: list[Worker], *, apart: bool
) -> None:
    assert is_outlier(worker, others) is apart


@pytest.mark.parametrize(
    ("verdict", "requests", "level", "catching_up"),
    [
        (GrowthVerdict.LEVELLED, 80_000, 150 * MB, True),
        (GrowthVerdict.STEADY, 72_000, 117 * MB, True),
        (GrowthVerdict.STEADY, 72_000, 115 * MB, False),
        (GrowthVerdict.STEADY, 71_999, 150 * MB, False),
        (GrowthVerdict.GROWING, 80_000, 150 * MB, False),
    ],
)
def test_who_holds_less_than_an_older_worker_that_is_done_only_catches_up(
    verdict: GrowthVerdict, requests: int, level: int, *, catching_up: bool
) -> None:
    elder = stored_worker(2, requests=requests, anonymous=level, judgement=judgement_of(verdict, 0))
    assert (
        has_levelled_peer(growing_worker(1, 5_000, 120 * MB), [*peers(5_000), elder]) is catching_up
    )
