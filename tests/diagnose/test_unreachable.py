"""What objects that no root leads to add to a diagnosis."""

from typing import Any

import pytest
from tests.support.heap_snapshots import heap_snapshot, per_request, unreachable_objects
from tests.support.leak_evidence import (
    HOME,
    ORDERS,
    gain_per_request,
    leak_evidence,
    source,
    worker_history,
)

from bugsly.protocol.evidence import (
    AllocationSite,
    AllocationWindow,
    TrimResult,
    UnreachableObjects,
)
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.model.diagnosis import Cause, Diagnosis

GROWTH = gain_per_request(ORDERS, 2_000)
MB = 1_000_000
TRIMMED_IN_VAIN = TrimResult(before=38 * MB, after=38 * MB)
NOT_COLLECTED = TrimResult(before=38 * MB, after=38 * MB, garbage=-1)
COLLECTOR_OFF = {"gc_enabled": 0}


def diagnose_unreachable(unreachable: UnreachableObjects, **facts: Any) -> Diagnosis:
    """Return the diagnosis of a worker that gains 2 kB per order, two of five requests."""
    texts = facts.pop("sources", ())
    lives = worker_history(memory=GROWTH, heaps=(heap_snapshot(unreachable),), **facts)
    (found,) = diagnose(leak_evidence(lives, sources=texts), [1])
    return found


LATE_UNREACHABLE = unreachable_objects(gain=lambda at: 0.4 * (at - 1_450))
CASES: list[tuple[str, UnreachableObjects, dict[str, Any], Cause]] = [
    (
        "a collection left them all",
        unreachable_objects(),
        {"trims": (TRIMMED_IN_VAIN,)},
        Cause.NATIVE,
    ),
    ("no collection was tried", unreachable_objects(), {}, Cause.UNKNOWN),
    (
        "the heap was too large for one",
        unreachable_objects(),
        {"trims": (NOT_COLLECTED,)},
        Cause.UNKNOWN,
    ),
    (
        "they are new, and may wait for one",
        LATE_UNREACHABLE,
        {"trims": (TRIMMED_IN_VAIN,)},
        Cause.UNKNOWN,
    ),
    (
        "they weigh little",
        unreachable_objects(entry_bytes=90),
        {"trims": (TRIMMED_IN_VAIN,)},
        Cause.UNKNOWN,
    ),
    (
        "they stood still",
        unreachable_objects(gain=lambda _: 700),
        {"trims": (TRIMMED_IN_VAIN,)},
        Cause.UNKNOWN,
    ),
    ("the collector is off", unreachable_objects(), {"facts": COLLECTOR_OFF}, Cause.CYCLES),
    ("its threshold is 0", unreachable_objects(), {"facts": {"gc_threshold": 0}}, Cause.CYCLES),
]


@pytest.mark.parametrize(
    ("found", "facts", "cause"), [pytest.param(*c[1:], id=c[0]) for c in CASES]
)
def test_the_cause_follows_from_what_a_collection_would_do(
    found: UnreachableObjects, facts: dict[str, Any], cause: Cause
) -> None:
    assert diagnose_unreachable(found, **facts).cause is cause


@pytest.mark.parametrize("facts", [{"trims": (TRIMMED_IN_VAIN,)}, {"facts": COLLECTOR_OFF}])
def test_their_types_and_number_are_reported(facts: dict[str, Any]) -> None:
    found = diagnose_unreachable(unreachable_objects(gain=per_request(0.5)), **facts)
    assert found.evidence.reasons[0] == (
        "nothing leads to 950 × fast.Buffer (1.9 MB), which are alive all the same:"
        " 200 more over 400 requests"
    )
    assert found.evidence.heap_path is not None
    assert (found.holder_name, found.evidence.heap_path.hops, found.evidence.heap_path.types) == (
        None,
        (),
        {"fast.Buffer": 950},
    )


def test_a_walk_that_met_nothing_is_reported_too() -> None:
    found = diagnose_unreachable(unreachable_objects(gain=lambda _: 700), trims=(TRIMMED_IN_VAIN,))
    assert (
        found.evidence.reasons[-1]
        == "a walk of the heap met 1,234,567 objects, and none that keeps more"
    )
    assert found.evidence.heap_path is None


INNER_WINDOW = AllocationWindow(
    method="memray",
    requests=200,
    seconds=8.0,
    grown=2 * MB,
    lines=(AllocationSite(site="shop/models.py:9", bytes=2 * MB, count=400),),
)


@pytest.mark.parametrize("windows", [(), (INNER_WINDOW,)], ids=["walked", "walked and traced"])
def test_the_endpoint_and_the_line_that_create_them_are_found(
    windows: tuple[AllocationWindow, ...],
) -> None:
    text = "def orders():\n    first = {}\n    first['it'] = Node(first)\n    return 'ok'\n"
    mix = {ORDERS: 20, HOME: 30}
    found = diagnose_unreachable(
        unreachable_objects("shop.models.Node"),
        facts=COLLECTOR_OFF,
        allocation_windows=windows,
        traffic=lambda _: mix,
        sources=(source(text, views={ORDERS: 1}),),
    )
    assert (found.cause, found.attribution.endpoint, found.location.site) == (
        Cause.CYCLES,
        ORDERS,
        "shop/views.py:3",
    )
    assert found.growth.bytes_per_request == pytest.approx(2_000, rel=0.15)
