import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import START
from tests.support.stored_workers import MB, judgement_of, stored_worker

from bugsly_server.clock import SECOND
from bugsly_server.detect.memory_forecast import forecast_limit
from bugsly_server.model.growth import GrowthAxis, GrowthVerdict
from bugsly_server.model.issue import MemoryForecast
from bugsly_server.model.worker import Worker


def growing_worker(worker_id: int = 1, slope: float = 5_000.0, **changes: object) -> Worker:
    """Return a worker that answers 20 requests a second, on a machine with 2 GB left."""
    fields = {"judgement": judgement_of(GrowthVerdict.GROWING, slope), **changes}
    return stored_worker(worker_id, **fields)


def test_headroom_over_slope_and_rate_is_the_time_that_is_left() -> None:
    found = forecast_limit([growing_worker()])
    assert found is not None
    assert found.expected == pytest.approx(2_000 * MB / (5_000 * 20))
    assert found.soonest == pytest.approx(found.expected / 1.1)
    assert found.latest == pytest.approx(found.expected / 0.9)
    assert found.limit == 4_000 * MB


@pytest.mark.parametrize(
    ("changes", "soonest", "latest"),
    [
        ({}, 1.1, 0.9),
        ({"last": 6_000.0}, 1.2, 0.9),
        ({"last": 4_400.0}, 1.1, 0.88),
        ({"requests": 36_000}, 1.1, 0.45),
        ({"requests": 144_000}, 2.2, 0.9),
    ],
    ids=["even", "speeds up", "slows down", "more traffic lately", "less traffic lately"],
)
def test_the_interval_has_room_for_what_has_changed(
    changes: dict[str, float], soonest: float, latest: float
) -> None:
    judgement = judgement_of(GrowthVerdict.GROWING, last=changes.get("last", 5_000.0))
    worker = growing_worker(judgement=judgement, requests=changes.get("requests", 72_000))
    found = forecast_limit([worker])
    assert found is not None
    assert found.expected == pytest.approx(2_000 * MB / (5_000 * 20))
    assert found.soonest == pytest.approx(found.expected / soonest)
    assert found.latest == pytest.approx(found.expected / latest)


@given(st.floats(0.01, 100), st.floats(1, 1e6), st.floats(0.1, 1e3), st.integers(0, 10_000_000))
def test_what_goes_slower_lasts_longer_by_as_much(
    times: float, slope: float, rate: float, requests: int
) -> None:
    def forecast_after(stretch: float) -> MemoryForecast:
        age = round(3600 * SECOND * stretch)
        worker = growing_worker(
            slope=slope, rate=rate / stretch, requests=requests, started_at=START - age
        )
        found = forecast_limit([worker])
        assert found is not None
        return found

    original, slowed = forecast_after(1), forecast_after(times)
    assert slowed.expected == pytest.approx(original.expected * times, rel=1e-3)
    assert slowed.soonest == pytest.approx(original.soonest * times, rel=1e-3)
    assert original.soonest <= original.expected
    assert original.latest is None or original.expected <= original.latest


def test_workers_of_one_machine_fill_it_together() -> None:
    alone, together = (
        forecast_limit([growing_worker()]),
        forecast_limit([growing_worker(n) for n in range(4)]),
    )
    assert alone is not None
    assert together is not None
    assert together.expected == pytest.approx(alone.expected / 4)


def test_growth_in_time_needs_no_rate() -> None:
    worker = growing_worker(
        rate=0.0, judgement=judgement_of(GrowthVerdict.GROWING, 500.0 * MB, axis=GrowthAxis.TIME)
    )
    found = forecast_limit([worker])
    assert found is not None
    assert found.expected == pytest.approx(4 * 3600)


def test_the_newest_sample_says_how_much_is_left() -> None:
    stale = growing_worker(1, used=1 * MB, seen_at=START - 60 * SECOND)
    found = forecast_limit([stale, growing_worker(2, used=3_900 * MB)])
    assert found is not None
    assert found.expected == pytest.approx(100 * MB / (2 * 5_000 * 20))


def test_where_the_slow_end_of_the_interval_never_gets_there_latest_is_open() -> None:
    found = forecast_limit(
        [growing_worker(judgement=judgement_of(GrowthVerdict.GROWING, 5_000.0, low=-10.0))]
    )
    assert found is not None
    assert found.latest is None


def test_memory_that_is_used_up_already_leaves_no_time() -> None:
    found = forecast_limit([growing_worker(used=5_000 * MB)])
    assert found is not None
    assert found.expected == 0.0


@pytest.mark.parametrize(
    "workers",
    [
        [],
        [growing_worker(limit=0)],
        [growing_worker(rate=0.0)],
        [growing_worker(slope=0.0)],
        [stored_worker()],
    ],
    ids=["nobody", "no limit", "no traffic", "flat", "not judged"],
)
def test_without_limit_or_movement_there_is_no_forecast(workers: list[Worker]) -> None:
    assert forecast_limit(workers) is None
