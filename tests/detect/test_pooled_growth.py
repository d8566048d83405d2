import random

import pytest
from tests.support.stored_workers import judgement_of, stored_worker

from bugsly_server.detect.pooled_growth import pool_growth
from bugsly_server.model.growth import GrowthAxis, GrowthVerdict
from bugsly_server.model.worker import Worker


def ended_workers(amount: int, slope: float = 7_000, **changes: object) -> list[Worker]:
    """Return ended workers of eight hundred requests each after their start-up."""
    fields = {"span": 800.0, "total": round(800 * slope), "rises": 0.9} | changes
    return [
        stored_worker(n, judgement=judgement_of(GrowthVerdict.STEADY, slope, **fields))
        for n in range(amount)
    ]


def test_short_lives_that_all_rise_to_their_end_show_a_leak() -> None:
    pooled = pool_growth(ended_workers(8))
    assert pooled is not None
    assert (pooled.slope, pooled.span, pooled.total) == (7_000, 6_400, 7_000 * 6_400)
    assert pooled.low <= pooled.slope <= pooled.high


@pytest.mark.parametrize(
    ("members", "why"),
    [
        (ended_workers(7), "too few"),
        (ended_workers(8, last=5_000), "each slows down towards its end"),
        (ended_workers(8, rises=0.55), "up and down"),
        (ended_workers(8, slope=500), "too little altogether"),
        (ended_workers(8, axis=GrowthAxis.TIME), "measured by time"),
        (ended_workers(4) + ended_workers(4, slope=-7_000), "half of them shrink"),
        ([stored_worker(n) for n in range(20)], "nothing is known of any"),
    ],
)
def test_lives_are_not_pooled(members: list[Worker], why: str) -> None:
    assert pool_growth(members) is None, why


def test_many_lives_make_a_small_but_steady_rise_sure() -> None:
    assert pool_growth(ended_workers(8, slope=6_000, rises=0.58)) is None
    pooled = pool_growth(ended_workers(50, slope=6_000, rises=0.58))
    assert pooled is not None
    assert pooled.z > 2.6


def test_a_few_lives_that_grow_wildly_do_not_set_the_slope() -> None:
    pooled = pool_growth(ended_workers(10, slope=7_000) + ended_workers(2, slope=90_000))
    assert pooled is not None
    assert pooled.slope == 7_000


def test_lives_that_wander_are_pooled_to_nothing() -> None:
    for seed in range(30):
        rng = random.Random(seed)
        drifts = [rng.gauss(0, 8_000) for _ in range(40)]
        members = [
            one for drift in drifts for one in ended_workers(1, drift, rises=rng.gauss(0.5, 0.1))
        ]
        assert pool_growth(members) is None
