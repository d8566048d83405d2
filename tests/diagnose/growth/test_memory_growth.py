"""What the growth of memory says of the workers and of a holder's part in it."""

import pytest
from tests.support.leak_evidence import ORDERS, gain_per_request, leak_evidence, worker_history

from bugsly_server.diagnose.growth.memory_growth import MemoryGrowth, measure_memory_growth

GROWING = worker_history(memory=gain_per_request(ORDERS, 2_000))
STILL = worker_history(worker_id=2)
YOUNG = worker_history(worker_id=3, number=3)


def memory_growth(*growing_ids: int) -> MemoryGrowth:
    return measure_memory_growth(leak_evidence(GROWING, STILL, YOUNG), growing_ids)


def test_only_growing_workers_count() -> None:
    memory = memory_growth(1, 3)
    assert memory.worker_ids == (1, 3)
    assert [history.worker_id for history, _ in memory.gaining] == [1]
    assert memory.attribution.endpoint == ORDERS
    assert memory.bytes_per_request == pytest.approx(800, rel=0.2)


def test_a_worker_that_was_watched_for_too_short_a_time_is_not_measured() -> None:
    assert not memory_growth(3).is_measured
    assert memory_growth(2).is_measured


def test_growth_without_gain_drives_nothing() -> None:
    memory = memory_growth(2)
    assert (memory.gaining, memory.bytes_per_request) == ((), 0.0)
    assert memory.gaining_attribution.endpoint is None


@pytest.mark.parametrize(("weight", "is_fast"), [(2_000, False), (9_000, True)])
def test_memory_grows_fast_from_a_kilobyte_per_request_on(weight: int, is_fast: bool) -> None:  # noqa: FBT001
    lives = worker_history(memory=gain_per_request(ORDERS, weight))
    assert measure_memory_growth(leak_evidence(lives), [1]).is_fast is is_fast


def test_a_part_is_of_the_gain_of_the_growing_workers() -> None:
    memory = memory_growth(1)
    gained = memory.gains[1].private_bytes
    assert memory.part_of({1: gained // 2, 2: gained}) == pytest.approx(0.5)
    assert memory.part_of({1: 3 * gained}) == 1.0
    assert memory_growth().part_of({1: 1}) == 1.0
