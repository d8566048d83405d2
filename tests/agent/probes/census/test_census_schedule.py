"""When the census makes a pass, and how long it rests."""

import math

import pytest

from bugsly.probes.census.census_schedule import (
    MAX_REST_SAMPLES,
    QUIET_PASSES_PER_REST,
    CensusSchedule,
)


class FakeCensus:
    """A census that needs so many slices for a pass, and finds something new if it *finds*."""

    def __init__(self, slices: int = 1, *, finds: bool = False) -> None:
        self.watched_count = 0
        self.passes = 0
        self._finds = finds
        self._slices = self._left = slices

    def work(self, _seconds: float) -> bool:
        self._left -= 1
        if self._left:
            return False
        self._left = self._slices
        self.passes += 1
        self.watched_count += self._finds
        return True


def start_schedule(fake: FakeCensus, every: float = 10) -> CensusSchedule:
    return CensusSchedule(fake, every)  # type: ignore[arg-type] # a fake


def test_nothing_is_done_before_a_sample() -> None:
    fake = FakeCensus()
    assert start_schedule(fake).run_slice() == math.inf
    assert fake.passes == 0


def test_a_pass_is_made_in_slices_with_pauses() -> None:
    fake = FakeCensus(slices=3)
    survey = start_schedule(fake)
    survey.begin_pass()
    pauses = [survey.run_slice() for _ in range(3)]
    assert all(0 < pause < math.inf for pause in pauses[:2])
    assert pauses[2] == survey.run_slice() == math.inf
    assert fake.passes == 1


def test_a_pass_that_takes_longer_than_a_sample_continues() -> None:
    fake = FakeCensus(slices=3)
    survey = start_schedule(fake)
    for _ in range(3):
        survey.begin_pass()
        survey.run_slice()
    assert fake.passes == 1


def passes_of(fake: FakeCensus, samples: int) -> int:
    survey = start_schedule(fake)
    for _ in range(samples):
        survey.begin_pass()
        survey.run_slice()
    return fake.passes


def test_passes_that_find_nothing_become_rare_and_never_stop() -> None:
    samples = 20 * QUIET_PASSES_PER_REST * MAX_REST_SAMPLES
    passes = passes_of(FakeCensus(), samples)
    assert samples / (MAX_REST_SAMPLES + 1) <= passes < samples / MAX_REST_SAMPLES


@pytest.mark.parametrize(("every", "share"), [(0.5, 0.1), (1, 0.1), (2, 0.025), (10, 0.005)])
def test_the_share_of_time_is_small_and_larger_in_development(every: float, share: float) -> None:
    assert start_schedule(FakeCensus(), every)._share == pytest.approx(share)


def test_passes_that_find_something_stay_frequent() -> None:
    assert passes_of(FakeCensus(finds=True), 100) == 100
