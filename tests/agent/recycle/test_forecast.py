from collections import deque
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly.recycle.forecast import (
    MIN_READINGS,
    READING_INTERVAL_SECONDS,
    MemoryReading,
    forecast_exhaustion,
)

MB = 1_000_000
LIMIT = 1_000 * MB


def memory_readings(*private: float, others: float = 500) -> deque[MemoryReading]:
    """Return one reading for each number of megabytes, beside *others* of the limit's."""
    return deque(
        MemoryReading(index * READING_INTERVAL_SECONDS, int(own * MB), int((own + others) * MB))
        for index, own in enumerate(private)
    )


def test_steady_growth_says_when_memory_may_run_out() -> None:
    seen = memory_readings(*(200 + 5 * index for index in range(20)))
    outlook = forecast_exhaustion(seen, LIMIT)
    assert outlook is not None
    assert outlook.growth_per_second == pytest.approx(1 * MB)
    assert outlook.seconds_left == pytest.approx(205)


def test_the_bound_follows_the_steepest_of_the_growth() -> None:
    steady = forecast_exhaustion(memory_readings(*(200 + 5 * index for index in range(20))), LIMIT)
    bends = [200 + 2 * index for index in range(10)] + [220 + 8 * index for index in range(10)]
    uneven = forecast_exhaustion(memory_readings(*bends), LIMIT)
    assert steady is not None
    assert uneven is not None
    assert uneven.seconds_left < steady.seconds_left


def test_growth_that_became_faster_a_minute_ago_is_believed_at_once() -> None:
    slow = [200 + index for index in range(40)]
    seen = memory_readings(*slow, *(240 + 10 * index for index in range(MIN_READINGS)))
    outlook = forecast_exhaustion(seen, LIMIT)
    assert outlook is not None
    assert outlook.seconds_left == pytest.approx((500 - 350) / 2)


@given(st.lists(st.integers(0, 1_000), min_size=MIN_READINGS, max_size=40), st.integers(2, 50))
def test_what_goes_slower_leaves_as_much_more_time(steps: list[int], times: int) -> None:
    seen = memory_readings(*accumulate(steps))
    slower = deque(one._replace(at=one.at * times) for one in seen)
    soon, late = forecast_exhaustion(seen, 10**12), forecast_exhaustion(slower, 10**12)
    assert (soon is None) == (late is None)
    if soon is not None and late is not None:
        assert late.seconds_left == pytest.approx(soon.seconds_left * times)


@pytest.mark.parametrize(
    ("seen", "limit"),
    [
        (memory_readings(*range(200, 200 + MIN_READINGS - 1)), LIMIT),
        (memory_readings(*[200] * 20), LIMIT),
        (memory_readings(*range(220, 200, -1)), LIMIT),
        (memory_readings(*[200] * 15, *[400] * 5), LIMIT),
        (memory_readings(*(200 + 100 * (index % 2) for index in range(20))), LIMIT),
        (memory_readings(*range(200, 220)), 0),
        (deque([MemoryReading(7, 1, 1)] * 20), LIMIT),
    ],
    ids=["too few", "flat", "shrinks", "one step", "a saw", "limit unknown", "one moment"],
)
def test_what_does_not_grow_steadily_has_no_outlook(seen: deque[MemoryReading], limit: int) -> None:
    assert forecast_exhaustion(seen, limit) is None


def test_what_is_over_the_limit_has_no_time_left() -> None:
    outlook = forecast_exhaustion(memory_readings(*range(600, 620)), LIMIT)
    assert outlook is not None
    assert outlook.seconds_left == 0
