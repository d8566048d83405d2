"""Which places are suspects, and which drop out."""

import re
from typing import Any

import pytest
from tests.support.drawn_heaps import DrawnGroup, group_node, walked_heap
from tests.support.heap_walks import sleep_patiently
from tests.support.python_versions import AGENT_SOURCES
from tests.support.small_census import module

from bugsly.heap.holder_growth import (
    HeapObservation,
    growing_holders,
    growing_unreachable,
    heaviest_holders,
)
from bugsly.heap.snapshot import HeapWalker, take_snapshot
from bugsly.heap.walk_result import (
    CYCLES_ROOT,
    HELD_BY_C_ROOT,
    EdgeKind,
    InvalidWalkResult,
    decode_walk_result,
    encode_walk_result,
    split_walk_results,
)

REQUESTS = (100, 150, 200, 250)


def snapshots_of(
    *counts: int, draw: Any, requests: tuple[int, ...] = REQUESTS
) -> list[HeapObservation]:
    """Return a snapshot for each of *counts*, as *draw* draws it."""
    pairs = zip(requests, counts, strict=False)
    return [HeapObservation(done, walked_heap(draw(count))) for done, count in pairs]


def log_module(entries: int) -> DrawnGroup:
    """Return a module with a list of so many orders in it."""
    orders = group_node("[*]", "shop.Order", objects=entries, retained=200 * entries)
    held = group_node(".log", "list", orders, entries=entries, retained=208 * entries)
    return group_node("shop", "module", group_node("", "dict", held, entries=30))


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((10, 60, 110, 160), ["shop.log"]),
        ((10, 20, 30, 40), ["shop.log"]),
        ((10, 50, 120, 170), ["shop.log"]),
        ((10, 110, 111, 112), []),
        ((10, 60, 110, 110), []),
        ((10, 60, 50, 160), []),
        ((160, 160, 160, 160), []),
        ((10, 11, 12, 13), []),
    ],
)
def test_what_gains_evenly_in_every_interval_is_told(
    counts: tuple[int, ...], told: list[str]
) -> None:
    assert [one.path for one in growing_holders(snapshots_of(*counts, draw=log_module))] == told


def test_it_is_told_with_its_way_and_what_it_keeps() -> None:
    (told,) = growing_holders(snapshots_of(10, 60, 110, 160, draw=log_module))
    assert (told.path, told.counts) == ("shop.log", (10, 60, 110, 160))
    assert told.retained == (2_080, 12_480, 22_880, 33_280)
    assert [(hop.name, hop.type) for hop in told.hops] == [("shop", "module"), (".log", "list")]
    assert told.types == {"shop.Order": 160}


def test_as_much_per_request_is_meant_and_not_per_interval() -> None:
    uneven = (100, 110, 160, 400)
    assert growing_holders(snapshots_of(10, 20, 70, 310, draw=log_module, requests=uneven))
    assert not growing_holders(snapshots_of(10, 60, 110, 160, draw=log_module, requests=uneven))


@pytest.mark.parametrize(
    ("counts", "told"), [((10, 15, 55, 60), ["shop.log"]), ((10, 50, 55, 60), [])]
)
def test_as_much_per_request_of_one_endpoint_will_do(
    counts: tuple[int, ...], told: list[str]
) -> None:
    orders = (9, 14, 54, 59)
    seen = [
        look._replace(
            requests_by_endpoint={("POST", "/orders"): mine, ("GET", "/"): look.requests - mine}
        )
        for look, mine in zip(snapshots_of(*counts, draw=log_module), orders, strict=True)
    ]
    assert [one.path for one in growing_holders(seen)] == told


def test_the_place_above_all_that_grows_is_told_alone() -> None:
    def nested(entries: int) -> DrawnGroup:
        lines = group_node(
            ".lines", "list", objects=entries, entries=3 * entries, retained=900 * entries
        )
        orders = group_node("[*]", "shop.Order", lines, objects=entries, retained=999 * entries)
        return group_node("shop", "module", group_node(".log", "list", orders, entries=entries))

    assert [one.path for one in growing_holders(snapshots_of(10, 60, 110, 160, draw=nested))] == [
        "shop.log"
    ]


def test_a_list_in_each_of_many_is_told_where_they_grow_and_their_number_does_not() -> None:
    def carts(entries: int) -> DrawnGroup:
        items = group_node(
            ".items", "list", objects=10, entries=10 * entries, retained=900 * entries
        )
        users = group_node("[*]", "shop.User", items, objects=10, retained=999 * entries)
        return group_node("shop", "module", group_node(".users", "list", users, entries=10))

    assert [one.path for one in growing_holders(snapshots_of(1, 6, 11, 16, draw=carts))] == [
        "shop.users[*].items"
    ]


def test_a_buffer_is_told_by_its_bytes() -> None:
    def buffer(entries: int) -> DrawnGroup:
        return group_node(
            "shop", "module", group_node(".tail", "bytearray", shallow=1_000 * entries)
        )

    assert [one.path for one in growing_holders(snapshots_of(10, 60, 110, 160, draw=buffer))] == [
        "shop.tail"
    ]


@pytest.mark.parametrize("root", ["bugsly", "bugsly.probes.traffic"])
def test_nothing_of_ours_is_told(root: str) -> None:
    def ours(entries: int) -> DrawnGroup:
        return group_node(root, "module", group_node(".log", "list", entries=entries))

    assert not growing_holders(snapshots_of(10, 60, 110, 160, draw=ours))


def lost_module(root: str, entries: int) -> DrawnGroup:
    return group_node(
        root, "", group_node("<>", "shop.Node", objects=entries, shallow=100 * entries)
    )


@pytest.mark.parametrize("root", [HELD_BY_C_ROOT, CYCLES_ROOT])
def test_what_no_root_leads_to_is_told_by_type(root: str) -> None:
    snapshots = snapshots_of(10, 60, 110, 160, draw=lambda entries: lost_module(root, entries))
    (told,) = growing_unreachable(snapshots, collected=True)
    assert (told.type, told.counts) == ("shop.Node", (10, 60, 110, 160))
    assert told.bytes == (1_000, 6_000, 11_000, 16_000)
    assert not growing_holders(snapshots)


def test_cycles_that_the_collector_may_still_find_are_not_told() -> None:
    snapshots = snapshots_of(
        10, 60, 110, 160, draw=lambda entries: lost_module(CYCLES_ROOT, entries)
    )
    assert growing_unreachable(snapshots, collected=False) == ()


def test_one_look_tells_what_keeps_most_where_it_branches_out() -> None:
    (told,) = heaviest_holders(snapshots_of(500, draw=log_module)[0])
    assert (told.path, told.counts, told.retained) == ("shop.log[*]", (0,), (100_000,))


def test_later_looks_bring_of_all_only_what_grew_and_that_is_enough(walker: HeapWalker) -> None:
    log: list[object] = []
    once: list[object] = []
    carts = [list[object]() for _ in range(10)]
    tail, still = bytearray(), [[n] for n in range(90)]
    shop = module("shop", log=log, once=once, carts=carts, tail=tail, still=still)
    looks: tuple[bytes, ...] = ()
    alone: list[bytes] = []
    for number in range(4):
        log += [[n] for n in range(50)]
        once += [[n] for n in range(50 if number < 2 else 0)]
        tail += bytes(9_000)
        for cart in carts:
            cart += [{n} for n in range(30)]
        looks = take_snapshot(
            walker,
            [("shop", shop)],
            sleep_patiently,
            include_unreachable=False,
            earlier_results=looks,
        ).encoded_results
        alone += take_snapshot(
            walker, [("shop", shop)], sleep_patiently, include_unreachable=False
        ).encoded_results
    told = [
        HeapObservation(done, decode_walk_result(look))
        for done, look in zip(REQUESTS, looks, strict=True)
    ]
    every = [
        HeapObservation(done, decode_walk_result(look))
        for done, look in zip(REQUESTS, alone, strict=True)
    ]
    assert {one.path for one in growing_holders(every)} == {
        "shop.log",
        "shop.carts[*]",
        "shop.tail",
    }
    assert growing_holders(told) == growing_holders(every)
    assert told[-1].walk.objects - told[0].walk.objects > 1_000
    texts = {group.text for one in told for group in one.walk.groups}
    assert not texts & {"still", "once"}


def test_what_is_written_is_read_again() -> None:
    walked = walked_heap(log_module(20))
    assert split_walk_results(encode_walk_result(walked) * 2) == (encode_walk_result(walked),) * 2
    assert decode_walk_result(encode_walk_result(walked)) == walked


@pytest.mark.parametrize(
    "told", [b"", b"heap", b"nonsense" * 40, encode_walk_result(walked_heap(log_module(20)))[:-5]]
)
def test_nonsense_is_not_read(told: bytes) -> None:
    with pytest.raises(InvalidWalkResult):
        split_walk_results(told)
    with pytest.raises(InvalidWalkResult):
        decode_walk_result(told)


def test_the_numbers_of_steps_are_those_of_the_walker_in_c() -> None:
    header = (AGENT_SOURCES.parent / "walker" / "heap.h").read_text()
    (listed,) = re.findall(r"enum How \{(.*?)\};", header, re.DOTALL)
    assert re.findall(r"^    (\w+),", listed, re.MULTILINE) == [how.name for how in EdgeKind]
