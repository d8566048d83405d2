import random
from itertools import pairwise

import pytest
from tests.support.clock import START
from tests.support.stored_workers import MB, memory_series

from bugsly_server.clock import HOUR, MINUTE, SECOND
from bugsly_server.detect.level_blocks import after_boot, level_blocks
from bugsly_server.model.growth import GrowthAxis
from bugsly_server.model.time_series import MemoryPoint


def test_sixteen_blocks_of_equal_width_follow_a_straight_line() -> None:
    levels = level_blocks(
        memory_series(lambda served: 1_000 * served, requests=16_000), GrowthAxis.REQUESTS
    )
    assert len(levels) == 16
    steps = [later.y - earlier.y for earlier, later in pairwise(levels)]
    assert min(steps) > 0.8 * max(steps)


def test_what_is_only_borrowed_in_flight_does_not_raise_a_block() -> None:
    rng = random.Random(1)
    points = memory_series(lambda _: 100 * MB + (80 * MB if rng.random() < 0.4 else 0), samples=600)
    assert {level.y for level in level_blocks(points, GrowthAxis.REQUESTS)} == {100 * MB}


def test_a_stretch_without_samples_leaves_its_blocks_out() -> None:
    points = memory_series(lambda _: 5 * MB, samples=160)
    assert len(level_blocks(points[:40] + points[120:], GrowthAxis.REQUESTS)) == 8


def test_time_is_an_axis_too() -> None:
    levels = level_blocks(
        memory_series(lambda _: 5 * MB, requests=0, seconds=16 * 3600), GrowthAxis.TIME
    )
    assert len(levels) == 16
    assert levels[-1].x - levels[0].x == pytest.approx(15, abs=0.5)


def test_requests_that_went_backwards_break_nothing() -> None:
    points = [
        MemoryPoint(START + n, requests, 5, 5, 5) for n, requests in enumerate([900, 4, 2_000, 1])
    ]
    assert [level.x for level in level_blocks(points, GrowthAxis.REQUESTS)] == [2.5, 900.0, 2_000.0]


@pytest.mark.parametrize("points", [[], memory_series(lambda _: 5, requests=0)])
def test_without_any_width_there_are_no_blocks(points: list[MemoryPoint]) -> None:
    assert level_blocks(points, GrowthAxis.REQUESTS) == []


@pytest.mark.parametrize(
    ("requests", "minutes", "first_kept"),
    [(20_000, 17, 2), (2_000, 17, 20), (100, 200, 10), (100, 5, None)],
)
def test_start_up_is_left_out(requests: int, minutes: int, first_kept: int | None) -> None:
    points = memory_series(lambda _: 5, requests=requests, seconds=minutes * 60)
    kept = after_boot(points, START)
    assert (kept[0] if kept else None) == (None if first_kept is None else points[first_kept - 1])


def test_start_up_is_over_after_two_hundred_requests_or_ten_minutes() -> None:
    early = MemoryPoint(START + 10 * MINUTE - SECOND, 199, 5, 5, 5)
    assert after_boot([early], START) == ()
    assert after_boot([early._replace(requests=200)], START)
    assert after_boot([early._replace(at=START + HOUR)], START)
