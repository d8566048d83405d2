"""Which of the holders that grow together represents all of them."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from tests.support.diagnoses import diagnosis

from bugsly_server.diagnose.duplicates import merge_duplicates, merge_unattributed
from bugsly_server.model.diagnosis import UNKNOWN_LOCATION, Cause, Diagnosis, EndpointAttribution


def growing_holder(
    holder: str | None,
    cause: Cause,
    entries_per_request: float = 1.0,
    size: float = 500,
    **facts: Any,
) -> Diagnosis:
    if holder is not None:
        facts["entries_per_request"] = entries_per_request
    return diagnosis(
        cause,
        holder=holder,
        bytes_per_request=size,
        **{"part": 0.3, **facts},
    )


LIST = growing_holder("shop.views.log", Cause.GROWING_CONTAINER)
LIBRARY = growing_holder("lib.pool.all", Cause.GROWING_CONTAINER, size=90_000, library="lib 1.0")
THREADS = growing_holder("threads started at shop/views.py:9", Cause.THREADS, size=0)
RUNNING = growing_holder("running threads", Cause.THREADS, size=0)
FILES = growing_holder("open files", Cause.MADE_PER_REQUEST, size=0, kind="descriptor")
REQUESTS = growing_holder(
    "requests alive after they ended", Cause.KEPT_EXCEPTION, size=0, kind="survivor"
)
KNOWN = growing_holder(
    "lib.seen", Cause.GROWING_CONTAINER, library="lib 1.0", known_leak="lib-seen"
)
UNATTRIBUTED = growing_holder(
    None,
    Cause.NATIVE,
    size=9_000,
    site="shop/views.py:9",
    reasons=("live bytes grew",),
)
FIRST_THREAD = growing_holder("shop.own.<thread 0>.log", Cause.GROWING_CONTAINER, size=900)
SECOND_THREAD = growing_holder(
    "shop.own.<thread 1>.log", Cause.GROWING_CONTAINER, 3.0, endpoint=None
)
ENGINE = growing_holder("engines made at shop/views.py:9", Cause.MADE_PER_REQUEST, size=0)
CONNECTIONS = growing_holder(
    "connections checked out at shop/views.py:9", Cause.UNRETURNED_CONNECTION, size=0
)


@pytest.mark.parametrize(
    ("group", "principal"),
    [
        ([LIST, REQUESTS], LIST),
        ([LIST, LIBRARY], LIST),
        ([THREADS, LIST], THREADS),
        ([RUNNING, THREADS], THREADS),
        ([CONNECTIONS, LIST, FILES], CONNECTIONS),
        ([ENGINE, LIBRARY, FILES, RUNNING], ENGINE),
        ([LIBRARY, FILES], LIBRARY),
        ([LIBRARY, KNOWN], KNOWN),
        ([LIST, KNOWN], LIST),
        ([FILES], FILES),
        ([SECOND_THREAD, FIRST_THREAD], FIRST_THREAD),
    ],
)
def test_the_most_significant_represents_the_others_in_any_order(
    group: list[Diagnosis], principal: Diagnosis
) -> None:
    for order in permutations(group):
        found = merge_duplicates(order)
        assert [one.holder_name for one in found] == [principal.holder_name]


def test_the_most_significant_takes_over_the_weight_and_the_part_of_the_others() -> None:
    (found,) = merge_duplicates([LIST, LIBRARY])
    assert (found.growth.bytes_per_request, found.growth.part) == (90_000, 0.6)
    assert "with it grows lib.pool.all" in found.evidence.reasons


@pytest.mark.parametrize(
    "other",
    [
        growing_holder("shop.views.other", Cause.GROWING_CONTAINER, endpoint="GET /"),
        growing_holder("shop.views.other", Cause.GROWING_CONTAINER, entries_per_request=3.0),
    ],
)
def test_a_holder_that_grows_at_another_rate_or_endpoint_is_another_leak(other: Diagnosis) -> None:
    assert len(merge_duplicates([LIST, other])) == 2


def test_what_one_request_leaves_in_libraries_is_one_leak_however_often_in_each() -> None:
    other = growing_holder(
        "lib.names",
        Cause.GROWING_CONTAINER,
        entries_per_request=7.0,
        size=80_000,
        library="lib 1.0",
    )
    assert [one.holder_name for one in merge_duplicates([LIBRARY, other])] == [LIBRARY.holder_name]


@pytest.mark.parametrize("symptom", [FILES, REQUESTS])
def test_growth_that_nothing_explains_belongs_to_the_symptom_that_grows_with_it(
    symptom: Diagnosis,
) -> None:
    (found,) = merge_unattributed([replace(symptom, location=UNKNOWN_LOCATION)], UNATTRIBUTED)
    assert (found.holder_name, found.cause) == (symptom.holder_name, symptom.cause)
    assert (found.location.site, found.growth.bytes_per_request, found.growth.part) == (
        "shop/views.py:9",
        9_000,
        0.6,
    )
    assert found.evidence.reasons[-1] == "live bytes grew"


def test_cycles_that_nobody_collects_are_the_cause_of_their_symptom() -> None:
    (found,) = merge_unattributed([REQUESTS], replace(UNATTRIBUTED, cause=Cause.CYCLES))
    assert found.cause is Cause.CYCLES


@pytest.mark.parametrize(
    ("named", "rest"),
    [
        (LIST, UNATTRIBUTED),
        (FILES, replace(UNATTRIBUTED, attribution=EndpointAttribution(endpoint="GET /"))),
        (FILES, replace(UNATTRIBUTED, is_leak=False, cause=Cause.UNKNOWN)),
    ],
)
def test_growth_that_nothing_explains_is_reported_next_to_the_rest(
    named: Diagnosis, rest: Diagnosis
) -> None:
    assert merge_unattributed([named], rest) == [named, rest]


def test_a_holder_that_weighs_little_next_to_another_is_merged() -> None:
    light = growing_holder(
        "shop.views.ids", Cause.GROWING_CONTAINER, entries_per_request=3.0, size=30
    )
    assert [one.holder_name for one in merge_duplicates([light, LIST])] == [LIST.holder_name]


def test_the_heaviest_leak_comes_first() -> None:
    heavy = growing_holder(
        "shop.views.other", Cause.GROWING_CONTAINER, endpoint="GET /", size=9_000
    )
    assert [one.holder_name for one in merge_duplicates([LIST, heavy])] == [
        heavy.holder_name,
        LIST.holder_name,
    ]
    assert merge_duplicates([]) == []
