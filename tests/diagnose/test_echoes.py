"""Which of the holders that grow together stands for all of them."""

from itertools import permutations
from typing import Any

import pytest
from tests.support.diagnoses import diagnosis

from bugsly_server.diagnose.echoes import without_echoes
from bugsly_server.model.diagnosis import Cause, Diagnosis


def grows(
    holder: str, cause: Cause, each: float = 1.0, size: float = 500, **facts: Any
) -> Diagnosis:
    return diagnosis(
        cause,
        holder=holder,
        entries_per_request=each,
        bytes_per_request=size,
        **{"part": 0.3, **facts},
    )


LIST = grows("shop.views.log", Cause.GROWING_CONTAINER)
LIBRARY = grows("lib.pool.all", Cause.GROWING_CONTAINER, size=90_000, library="lib 1.0")
THREADS = grows("threads started at shop/views.py:9", Cause.THREADS, size=0)
RUNNING = grows("running threads", Cause.THREADS, size=0)
FILES = grows("open files", Cause.MADE_PER_REQUEST, size=0)
REQUESTS = grows("requests alive after they ended", Cause.KEPT_EXCEPTION, size=0)
ENGINE = grows("engines made at shop/views.py:9", Cause.MADE_PER_REQUEST, size=0)
CONNECTIONS = grows(
    "connections checked out at shop/views.py:9", Cause.UNRETURNED_CONNECTION, size=0
)


@pytest.mark.parametrize(
    ("group", "speaker"),
    [
        ([LIST, REQUESTS], LIST),
        ([LIST, LIBRARY], LIST),
        ([THREADS, LIST], THREADS),
        ([RUNNING, THREADS], THREADS),
        ([CONNECTIONS, LIST, FILES], CONNECTIONS),
        ([ENGINE, LIBRARY, FILES, RUNNING], ENGINE),
        ([LIBRARY, FILES], LIBRARY),
        ([FILES], FILES),
    ],
)
def test_the_one_that_says_most_speaks_in_whatever_order_they_came(
    group: list[Diagnosis], speaker: Diagnosis
) -> None:
    for order in permutations(group):
        found = without_echoes(order)
        assert [one.holder for one in found] == [speaker.holder]


def test_the_speaker_takes_over_the_weight_and_the_part_of_the_others() -> None:
    (found,) = without_echoes([LIST, LIBRARY])
    assert (found.bytes_per_request, found.part) == (90_000, 0.6)
    assert "with it grows lib.pool.all" in found.because


@pytest.mark.parametrize(
    "other",
    [
        grows("shop.views.other", Cause.GROWING_CONTAINER, endpoint="GET /"),
        grows("shop.views.other", Cause.GROWING_CONTAINER, each=3.0),
    ],
)
def test_what_grows_otherwise_is_another_leak(other: Diagnosis) -> None:
    assert len(without_echoes([LIST, other])) == 2


def test_what_hardly_weighs_anything_beside_another_is_not_told_apart() -> None:
    light = grows("shop.views.ids", Cause.GROWING_CONTAINER, each=3.0, size=30)
    assert [one.holder for one in without_echoes([light, LIST])] == [LIST.holder]


def test_the_heaviest_leak_comes_first() -> None:
    heavy = grows("shop.views.other", Cause.GROWING_CONTAINER, endpoint="GET /", size=9_000)
    assert [one.holder for one in without_echoes([LIST, heavy])] == [heavy.holder, LIST.holder]
    assert without_echoes([]) == []
