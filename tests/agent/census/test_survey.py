import math

import pytest

from bugsly.probes.census.survey import LONGEST_REST, QUIET, Survey


class FakeCensus:
    """Needs some slices for a pass, and finds what it is told to find."""

    def __init__(self, slices: int = 1, *, finds: bool = False) -> None:
        self.followed = 0
        self.passes = 0
        self._finds = finds
        self._slices = self._left = slices

    def work(self, _seconds: float) -> bool:
        self._left -= 1
        if self._left:
            return False
        self._left = self._slices
        self.passes += 1
        self.followed += self._finds
        return True


def surveyed(fake: FakeCensus, every: float = 10) -> Survey:
    return Survey(fake, every)  # type: ignore[arg-type] # a fake


def test_nothing_is_done_before_a_sample() -> None:
    fake = FakeCensus()
    assert surveyed(fake).step() == math.inf
    assert fake.passes == 0


def test_a_pass_is_made_in_slices_with_pauses() -> None:
    fake = FakeCensus(slices=3)
    survey = surveyed(fake)
    survey.begin()
    pauses = [survey.step() for _ in range(3)]
    assert all(0 < pause < math.inf for pause in pauses[:2])
    assert pauses[2] == survey.step() == math.inf
    assert fake.passes == 1


def test_a_pass_that_takes_longer_than_a_sample_goes_on() -> None:
    fake = FakeCensus(slices=3)
    survey = surveyed(fake)
    for _ in range(3):
        survey.begin()
        survey.step()
    assert fake.passes == 1


def passes_of(fake: FakeCensus, samples: int) -> int:
    survey = surveyed(fake)
    for _ in range(samples):
        survey.begin()
        survey.step()
    return fake.passes


def test_quiet_passes_become_rare_and_never_cease() -> None:
    samples = 20 * QUIET * LONGEST_REST
    passes = passes_of(FakeCensus(), samples)
    assert samples / (LONGEST_REST + 1) <= passes < samples / LONGEST_REST


@pytest.mark.parametrize(("every", "share"), [(0.5, 0.1), (1, 0.1), (2, 0.025), (10, 0.005)])
def test_the_share_of_time_is_small_and_larger_at_a_desk(every: float, share: float) -> None:
    assert surveyed(FakeCensus(), every)._share == pytest.approx(share)


def test_finding_something_keeps_passes_coming() -> None:
    assert passes_of(FakeCensus(finds=True), 100) == 100
