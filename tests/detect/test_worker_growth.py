import math
import random
from collections.abc import Callable

import pytest
from tests.support.clock import START
from tests.support.stored_workers import MB, memory_series

from bugsly_server.clock import HOUR, MINUTE
from bugsly_server.detect.worker_growth import (
    FIRST_JUDGEMENT_REQUESTS,
    MAX_JUDGEMENT_GAP,
    is_due,
    judge_worker,
)
from bugsly_server.model.growth import GrowthAxis, GrowthVerdict
from bugsly_server.model.time_series import MemoryPoint

Drawing = Callable[[int], float]


def noise(deviation: float, seed: int = 1) -> Callable[[], float]:
    rng = random.Random(seed)
    return lambda: rng.gauss(0, deviation)


def around(memory: Drawing, deviation: float = 0.3 * MB) -> Drawing:
    more = noise(deviation)
    return lambda served: memory(served) + more()


JUDGED_CURVES = {
    "flat": (around(lambda _: 100 * MB), GrowthVerdict.STEADY),
    "noisy": (around(lambda _: 100 * MB, 8 * MB), GrowthVerdict.STEADY),
    "one step of 40 MB": (around(lambda n: (100 + 40 * (n > 9_000)) * MB), GrowthVerdict.LEVELLED),
    "two steps": (
        around(lambda n: (100 + 40 * (n > 5_000) + 30 * (n > 13_000)) * MB),
        GrowthVerdict.STEADY,
    ),
    "a warm-up that is over": (
        around(lambda n: (100 + 60 * (1 - math.exp(-n / 4_000))) * MB),
        GrowthVerdict.LEVELLED,
    ),
    "a warm-up that goes on": (
        around(lambda n: (100 + 60 * (1 - math.exp(-n / 20_000))) * MB),
        GrowthVerdict.LEVELLED,
    ),
    "a cache that fills": (around(lambda n: 100 * MB + 2_000 * n), GrowthVerdict.GROWING),
    "a cache that is full": (
        around(lambda n: (100 + min(40, n / 250)) * MB),
        GrowthVerdict.LEVELLED,
    ),
    "a saw-tooth": (around(lambda n: (100 + 30 * (n % 3_000) / 3_000) * MB), GrowthVerdict.STEADY),
    "a leak of 1 kB per request": (around(lambda n: 100 * MB + 1_000 * n), GrowthVerdict.GROWING),
    "a leak of 100 B per request": (around(lambda n: 100 * MB + 100 * n), GrowthVerdict.STEADY),
    "a leak that is 2 % of what is held": (
        around(lambda n: 1_000 * MB + 1_000 * n),
        GrowthVerdict.STEADY,
    ),
    "it gives back": (around(lambda n: 200 * MB - 2_000 * n), GrowthVerdict.STEADY),
}


@pytest.mark.parametrize("name", JUDGED_CURVES)
def test_what_a_life_of_twenty_thousand_requests_shows(name: str) -> None:
    memory, verdict = JUDGED_CURVES[name]
    judgement = judge_worker(memory_series(memory), START)
    assert judgement.verdict is verdict, judgement.because


def test_spikes_on_a_leak_hide_nothing_and_spikes_alone_are_nothing() -> None:
    rng = random.Random(3)

    def spiky(_served: int) -> float:
        return 100 * MB + (rng.expovariate(1 / (60 * MB)) if rng.random() < 0.1 else 0.0)

    assert judge_worker(memory_series(spiky), START).verdict is GrowthVerdict.STEADY
    leaking = memory_series(lambda served: spiky(served) + 3_000 * served)
    assert judge_worker(leaking, START).verdict is GrowthVerdict.GROWING


def test_a_leak_in_five_percent_of_the_requests_is_growth() -> None:
    rng = random.Random(4)
    points, held = [], 0
    for point in memory_series(lambda _: 0):
        held += sum(20_000 for _ in range(100) if rng.random() < 0.05)
        points.append(point._replace(low=100 * MB + held))
    judgement = judge_worker(points, START)
    assert judgement.verdict is GrowthVerdict.GROWING
    assert judgement.growth is not None
    assert judgement.growth.slope == pytest.approx(1_000, rel=0.1)
    assert judgement.growth.low < 1_000 < judgement.growth.high


def test_memory_that_wanders_is_not_growth_wherever_it_gets() -> None:
    looks = []
    for seed in range(60):
        rng, level, points = random.Random(seed), 0.0, []
        for point in memory_series(lambda _: 0, samples=80):
            level = 0.95 * level + rng.gauss(0, 2 * MB)
            points.append(point._replace(low=round(100 * MB + level)))
        looks.append(judge_worker(points, START).verdict)
    assert looks.count(GrowthVerdict.GROWING) <= 1


def test_growth_says_how_much_with_what_and_from_where() -> None:
    judgement = judge_worker(memory_series(lambda n: 100 * MB + 5_000 * n), START)
    growth = judgement.growth
    assert growth is not None
    assert growth.axis is GrowthAxis.REQUESTS
    assert growth.slope == pytest.approx(5_000)
    assert growth.last == pytest.approx(5_000)
    assert growth.rises == 1.0
    assert growth.total == pytest.approx(5_000 * growth.span)
    assert judgement.because == "it grew by +93 MB over 18,600 requests, and to the end"


def test_a_worker_without_requests_is_judged_by_time() -> None:
    points = memory_series(lambda _: 0, requests=10, seconds=4 * 3600)
    grown = [one._replace(low=100 * MB + index * MB) for index, one in enumerate(points)]
    judgement = judge_worker(grown, START)
    assert judgement.verdict is GrowthVerdict.GROWING
    assert judgement.growth is not None
    assert judgement.growth.axis is GrowthAxis.TIME
    assert judgement.growth.slope == pytest.approx(50 * MB, rel=0.02)


@pytest.mark.parametrize(
    ("points", "because"),
    [
        ([], "0 of 200 requests seen after its start"),
        (memory_series(lambda _: 5, requests=350), "149 of 200 requests seen after its start"),
        (memory_series(lambda _: 5, samples=15), "15 of 16 samples seen after its start"),
    ],
)
def test_too_little_is_said_to_be_too_little(points: list[MemoryPoint], because: str) -> None:
    judgement = judge_worker(points, START)
    assert (judgement.verdict, judgement.growth) == (GrowthVerdict.EARLY, None)
    assert judgement.because == because


@pytest.mark.parametrize(
    ("requests", "judged_requests", "waited", "due"),
    [
        (FIRST_JUDGEMENT_REQUESTS - 1, 0, 0, False),
        (FIRST_JUDGEMENT_REQUESTS, 0, 0, True),
        (1_149, 1_000, 0, False),
        (1_150, 1_000, 0, True),
        (1_000, 1_000, MAX_JUDGEMENT_GAP - 1, False),
        (1_000, 1_000, MAX_JUDGEMENT_GAP, True),
        (0, 0, MAX_JUDGEMENT_GAP, True),
    ],
)
def test_looks_come_ever_more_rarely(
    requests: int, judged_requests: int, waited: int, *, due: bool
) -> None:
    assert is_due(requests, judged_requests, START + waited, START) is due


def test_a_million_requests_ask_for_fewer_than_sixty_looks() -> None:
    looks, judged = 0, 0
    for requests in range(0, 1_000_000, 10):
        if is_due(requests, judged, START, START):
            looks, judged = looks + 1, requests
    assert 50 <= looks < 60


def test_one_hour_is_needed_on_the_axis_of_time() -> None:
    points = memory_series(lambda _: 5, requests=1, seconds=(HOUR + 9 * MINUTE) / 1e6)
    assert judge_worker(points, START).verdict is GrowthVerdict.EARLY
