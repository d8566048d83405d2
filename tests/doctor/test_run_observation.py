"""Whether a life may show a leak, if a run goes on."""

from collections.abc import Callable

import pytest
from tests.support.clock import START
from tests.support.stored_workers import MB, memory_series

from bugsly_server.doctor.run_observation import may_grow

Drawing = Callable[[int], float]


def filling_first(served: int) -> float:
    """Draw what leaks 2.4 kB per request, the first 1,500 of which find room that was free."""
    return 36 * MB + 200 * served + 2_200 * max(0, served - 1_500)


LIVES: list[tuple[str, Drawing, bool]] = [
    ("a leak", lambda served: 36 * MB + 2_400 * served, True),
    ("a leak that fills first what is free", filling_first, True),
    ("a slow one", lambda served: 36 * MB + 600 * served, False),
    ("a cache that is filled", lambda served: 36 * MB + 3_000 * min(served, 900), False),
    ("nothing", lambda _: 36 * MB, False),
]


@pytest.mark.parametrize(("memory", "more"), [pytest.param(*one[1:], id=one[0]) for one in LIVES])
def test_a_run_goes_on_where_memory_rises_to_its_end(memory: Drawing, *, more: bool) -> None:
    points = memory_series(memory, requests=2_000, samples=40, seconds=20)
    assert may_grow(points, START) is more
