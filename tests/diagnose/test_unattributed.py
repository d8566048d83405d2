"""Which cause a growth has that no holder explains."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.leak_evidence import (
    MB,
    ORDERS,
    gain_per_request,
    holder,
    leak_evidence,
    no_growth,
    worker_history,
)

from bugsly.protocol.evidence import AllocationSite, AllocationWindow, TrimResult
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.model.diagnosis import Cause, Diagnosis

GROWTH = gain_per_request(ORDERS, 8_000)
TRIMMED_IN_VAIN = (TrimResult(before=38 * MB, after=38 * MB),)
TRIMMED_WITH_GAIN = (TrimResult(before=38 * MB, after=31 * MB, garbage=420),)
COLLECTOR_OFF = {"gc_enabled": 0}
COLLECTOR_FROZEN = {"gc_enabled": 1, "gc_frozen": 40_000}
WINDOW = AllocationWindow(
    method="tracemalloc",
    requests=200,
    seconds=8.0,
    grown=MB,
    lines=(AllocationSite(site="shop/views.py:9", bytes=MB, count=200, inner="PIL/Image.py:8"),),
)
CASES: list[tuple[str, dict[str, Any], Cause]] = [
    ("live bytes rise, trimmed in vain", {"live": GROWTH, "trims": TRIMMED_IN_VAIN}, Cause.NATIVE),
    ("live bytes rise, not trimmed yet", {"live": GROWTH}, Cause.UNKNOWN),
    ("live bytes are flat", {"live": no_growth}, Cause.RETENTION),
    (
        "live bytes are flat, trimmed in vain",
        {"live": no_growth, "trims": TRIMMED_IN_VAIN},
        Cause.RETENTION,
    ),
    ("a trim gave it back", {"live": GROWTH, "trims": TRIMMED_WITH_GAIN}, Cause.RETENTION),
    ("a trim gave it back, nothing else is known", {"trims": TRIMMED_WITH_GAIN}, Cause.RETENTION),
    ("the collector is off", {"live": GROWTH, "facts": COLLECTOR_OFF}, Cause.CYCLES),
    ("objects are frozen", {"live": no_growth, "facts": COLLECTOR_FROZEN}, Cause.RETENTION),
    ("the allocator does not tell", {"trims": TRIMMED_IN_VAIN}, Cause.UNKNOWN),
    ("a window tells", {"trims": TRIMMED_IN_VAIN, "allocation_windows": (WINDOW,)}, Cause.NATIVE),
    ("served too little", {"live": GROWTH, "trims": TRIMMED_IN_VAIN, "number": 7}, Cause.UNKNOWN),
]


def blocks_history(number: int) -> dict[str, Any]:
    """Draw a worker whose Python allocator gives out so many blocks more for each order."""
    drawn = worker_history(memory=GROWTH, live=no_growth, trims=TRIMMED_IN_VAIN)
    served = 0
    steps = []
    for bucket in drawn.buckets:
        served += bucket.served[ORDERS]
        steps.append(bucket._replace(blocks=300_000 + served * number))
    return {"buckets": tuple(steps)}


BIG_BLOCKS = replace(WINDOW, lines=(AllocationSite(site="shop/views.py:9", bytes=MB, count=4_000),))


@pytest.mark.parametrize(
    ("number", "windows", "cause"),
    [
        (0, (), Cause.RETENTION),
        (5, (), Cause.RETENTION),
        (30, (), Cause.UNKNOWN),
        (30, (BIG_BLOCKS,), Cause.NATIVE),
        (
            30,
            (replace(BIG_BLOCKS, lines=(AllocationSite(site="", bytes=1_000, count=20),)),),
            Cause.UNKNOWN,
        ),
    ],
)
def test_blocks_that_may_be_large_are_not_called_free_before_a_window_weighed_some(
    number: int, windows: tuple[AllocationWindow, ...], cause: Cause
) -> None:
    drawn = replace(
        worker_history(memory=GROWTH, trims=TRIMMED_IN_VAIN),
        allocation_windows=windows,
        **blocks_history(number),
    )
    (found,) = diagnose(leak_evidence(drawn), [1])
    assert found.cause is cause


def diagnose_unattributed(**facts: Any) -> Diagnosis:
    """Return what is said of a worker that gains 8 kB per order."""
    found = diagnose(leak_evidence(worker_history(memory=GROWTH, **facts)), [1])
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(("facts", "cause"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_the_cause_follows_from_what_the_allocators_report(
    facts: dict[str, Any], cause: Cause
) -> None:
    found = diagnose_unattributed(**facts)
    assert found.cause is cause
    assert found.is_leak is (cause in {Cause.NATIVE, Cause.CYCLES})


def test_a_native_leak_names_its_endpoint_and_the_allocating_line() -> None:
    found = diagnose_unattributed(live=GROWTH, trims=TRIMMED_IN_VAIN, allocation_windows=(WINDOW,))
    assert (found.attribution.endpoint, found.location.site) == (ORDERS, "shop/views.py:9")
    assert found.growth.bytes_per_request == pytest.approx(8_000, rel=0.1)
    assert any("within PIL/Image.py:8" in fact for fact in found.evidence.reasons)


def test_retention_says_what_was_returned_and_that_cycles_were_freed() -> None:
    found = diagnose_unattributed(trims=TRIMMED_WITH_GAIN)
    assert "a collection freed 420 objects in cycles" in found.evidence.reasons[0]
    assert found.location.site is None


def test_live_bytes_that_rose_once_and_stayed_are_no_native_leak() -> None:
    found = diagnose_unattributed(
        live=lambda sofar: min(GROWTH(sofar), 4 * MB), trims=TRIMMED_IN_VAIN
    )
    assert (found.cause, found.is_leak) == (Cause.UNKNOWN, False)


def test_what_a_holder_explains_is_not_explained_again() -> None:
    held = holder(entry_bytes=8_000)
    lives = worker_history(
        {held.name: gain_per_request(ORDERS)}, memory=GROWTH, live=GROWTH, trims=TRIMMED_IN_VAIN
    )
    found = diagnose(leak_evidence(lives, holders=(held,)), [1])
    assert [one.cause for one in found] == [Cause.GROWING_CONTAINER]


def test_a_holder_that_explains_little_leaves_unattributed_growth() -> None:
    held = holder(entry_bytes=500)
    lives = worker_history(
        {held.name: gain_per_request(ORDERS)}, memory=GROWTH, live=GROWTH, trims=TRIMMED_IN_VAIN
    )
    found = diagnose(leak_evidence(lives, holders=(held,)), [1])
    assert [one.cause for one in found] == [Cause.GROWING_CONTAINER, Cause.NATIVE]
    assert sum(one.growth.part for one in found) == pytest.approx(1.0)


def test_a_worker_that_does_not_grow_leaves_no_unattributed_growth() -> None:
    assert diagnose(leak_evidence(worker_history(memory=no_growth, live=no_growth)), [1]) == ()
