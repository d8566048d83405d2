"""What fits the snapshots is kept of a walked heap."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.heap_snapshots import heap_holder, heap_snapshot, unreachable_objects

from bugsly.protocol.evidence import HolderPathStep
from bugsly_server.decode.heap_snapshots import (
    MAX_HEAP_HOLDERS,
    MAX_HOPS,
    MAX_UNREACHABLE_TYPES,
    sanitize_heap,
)

WHOLE = heap_snapshot(
    heap_holder(), heap_holder("shop.cache .SEEN", "module", "dict"), unreachable_objects()
)
BROKEN: dict[str, dict[str, Any]] = {
    "no snapshot": {"requests": ()},
    "snapshots without end": {"requests": tuple(range(99))},
    "requests that go back": {"requests": (9, 8, 7, 6)},
    "requests beyond measure": {"requests": (1, 2, 3, 1 << 60)},
    "a negative number of objects": {"objects": -1},
    "bytes beyond measure": {"bytes": 1 << 60},
    "a pause before it began": {"pause": -1.0},
    "a pause that is none": {"pause": float("nan")},
    "a walk that never ends": {"seconds": float("inf")},
}
BROKEN_HOLDERS: dict[str, dict[str, Any]] = {
    "no path": {"path": ""},
    "a path beyond measure": {"path": "x" * 1_001},
    "no hop": {"hops": ()},
    "hops without end": {"hops": (HolderPathStep(name=".next", type="Node"),) * (MAX_HOPS + 1)},
    "fewer counts than snapshots": {"counts": (1, 2, 3)},
    "more sizes than snapshots": {"retained": (1, 2, 3, 4, 5)},
    "a negative count": {"counts": (1, 2, 3, -4)},
    "a size beyond measure": {"retained": (1, 2, 3, 1 << 60)},
}


def test_a_valid_heap_is_kept_completely() -> None:
    assert sanitize_heap(WHOLE) == WHOLE


@pytest.mark.parametrize("name", BROKEN)
def test_a_malformed_heap_is_none(name: str) -> None:
    assert sanitize_heap(replace(WHOLE, **BROKEN[name])) is None


@pytest.mark.parametrize("name", BROKEN_HOLDERS)
def test_a_malformed_heap_holder_is_left_out_and_its_neighbour_is_kept(name: str) -> None:
    first, second = WHOLE.retainers
    left = sanitize_heap(replace(WHOLE, retainers=(replace(first, **BROKEN_HOLDERS[name]), second)))
    assert left is not None
    assert (left.retainers, left.orphans) == ((second,), WHOLE.orphans)


@pytest.mark.parametrize("change", [{"type": ""}, {"type": "x" * 301}, {"counts": (1,)}])
def test_malformed_unreachable_objects_are_left_out(change: dict[str, Any]) -> None:
    left = sanitize_heap(replace(WHOLE, orphans=(replace(WHOLE.orphans[0], **change),)))
    assert left == replace(WHOLE, orphans=())


def test_names_and_lists_are_cut() -> None:
    long = heap_holder(
        hops=(HolderPathStep(name="n" * 999, type="t" * 999),), types={"x" * 999: 1, "": 2}
    )
    left = sanitize_heap(heap_snapshot(*[long] * 99, *[unreachable_objects()] * 99))
    assert left is not None
    assert (len(left.retainers), len(left.orphans)) == (MAX_HEAP_HOLDERS, MAX_UNREACHABLE_TYPES)
    assert left.retainers[0].hops == (HolderPathStep(name="n" * 300, type="t" * 300),)
    assert left.retainers[0].types == {"x" * 300: 1}
