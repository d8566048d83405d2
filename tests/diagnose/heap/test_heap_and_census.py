"""What a walk of the heap adds to holders and symptoms that are counted too."""

from typing import Any

import pytest
from tests.support.heap_snapshots import heap_holder, heap_snapshot
from tests.support.leak_evidence import (
    HOME,
    ORDERS,
    ServedSoFar,
    gain_per_request,
    holder,
    leak_evidence,
    no_growth,
    worker_history,
)

from bugsly.protocol.evidence import HeapHolder, Holder
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.model.diagnosis import Cause, Diagnosis

GROWTH = gain_per_request(ORDERS, 2_000)
ALIVE = "requests alive after they ended"
SURVIVOR = holder(ALIVE, kind="survivor", entry="request", entry_bytes=0, file="")
SEEN = "shop.views.make_counter.<closure>.seen"


def leaking_holders(found: tuple[Diagnosis, ...]) -> list[str]:
    return [one.holder.name for one in found if one.is_leak and one.holder is not None]


def diagnose_counted_heap(
    level: Any, held: Holder, *found: HeapHolder, **facts: Any
) -> tuple[Diagnosis, ...]:
    """Return what is said where the census counts *held* too."""
    growing = facts.pop("growing", [1])
    drawn = worker_history({held.name: level}, heaps=(heap_snapshot(*found),), **facts)
    return diagnose(leak_evidence(drawn, holders=(held,)), growing)


def test_a_holder_replaces_its_symptom() -> None:
    (found,) = diagnose_counted_heap(
        gain_per_request(ORDERS), SURVIVOR, heap_holder(), memory=no_growth, growing=[]
    )
    assert (found.cause, found.holder_name, found.attribution.endpoint) == (
        Cause.KEPT_EXCEPTION,
        SEEN,
        ORDERS,
    )
    assert f"with it grows {ALIVE}" in found.evidence.reasons
    assert found.evidence.confidence >= 0.85


def swinging(step: int) -> dict[str, int]:
    orders = 5 if step // 3 % 2 else 45
    return {ORDERS: orders, HOME: 50 - orders}


def orders_until(requests: int) -> float:
    """Return the orders among so many requests that come and go as `swinging`."""
    step, more = divmod(requests, 50)
    return sum(swinging(one)[ORDERS] for one in range(step)) + swinging(step)[ORDERS] * more / 50


def test_a_symptom_confirms_a_holder_even_if_it_is_counted_late() -> None:
    def late(sofar: ServedSoFar) -> int:
        return round(orders_until(max(0, sofar.requests - 150)))

    facts = {"traffic": swinging, "memory": no_growth, "growing": []}
    (alone,) = diagnose_counted_heap(late, SURVIVOR, **facts)
    assert (alone.holder_name, alone.attribution.endpoint) == (ALIVE, HOME)
    (found,) = diagnose_counted_heap(late, SURVIVOR, heap_holder(gain=orders_until), **facts)
    assert (found.cause, found.holder_name, found.attribution.endpoint) == (
        Cause.KEPT_EXCEPTION,
        SEEN,
        ORDERS,
    )


def test_a_symptom_at_another_rate_stays_without_a_holder() -> None:
    found = diagnose_counted_heap(
        gain_per_request(HOME, 3), SURVIVOR, heap_holder(), memory=no_growth, growing=[]
    )
    assert leaking_holders(found) == [ALIVE]


SAME_LIST = heap_holder("shop.views .log", "module", "list")


def test_the_same_holder_is_confirmed_and_not_reported_twice() -> None:
    held = holder(entry_bytes=2_000)
    (found,) = diagnose_counted_heap(gain_per_request(ORDERS), held, SAME_LIST, memory=GROWTH)
    assert found.holder_name == held.name
    assert found.evidence.reasons[1] == (
        "in a walk of the heap, shop.views.log (list, 760 entries) keeps 1.5 MB:"
        " 760 × shop.models.Quote"
    )
    assert found.evidence.heap_path is not None


def test_the_walk_weighs_the_entries_of_a_holder_better_than_the_census() -> None:
    light = holder(entry_bytes=700)
    (found,) = diagnose_counted_heap(
        gain_per_request(ORDERS), light, SAME_LIST, memory=GROWTH, live=GROWTH
    )
    assert found.growth.bytes_per_request == pytest.approx(2_000, rel=0.05)
    assert found.growth.part == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    "found", [SAME_LIST, heap_holder("shop.views .log [*] .rows", *["list"] * 4)]
)
def test_a_holder_that_is_bounded_is_none_in_the_heap_either_nor_what_is_in_it(
    found: HeapHolder,
) -> None:
    held = holder(kind="deque", bound=100_000, entry_bytes=500)
    assert (
        leaking_holders(diagnose_counted_heap(gain_per_request(ORDERS), held, found, memory=GROWTH))
        == []
    )
