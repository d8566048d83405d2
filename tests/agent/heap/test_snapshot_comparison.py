"""Which holders are reported as growing, and which are not."""

import re
from collections.abc import Callable, Iterable

import pytest
from tests.support.drawn_heaps import DrawnGroup, group_node, walked_heap
from tests.support.heap_walks import sleep_patiently
from tests.support.python_versions import AGENT_SOURCES
from tests.support.small_census import module

from bugsly.heap.snapshot import HeapWalker, take_snapshot
from bugsly.heap.snapshot_comparison import (
    HeapObservation,
    growing_holders,
    growing_unreachable,
    heaviest_holders,
)
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
    *counts: int, draw: Callable[[int], DrawnGroup], requests: tuple[int, ...] = REQUESTS
) -> list[HeapObservation]:
    """Return a snapshot for each of *counts*, as *draw* draws it."""
    pairs = zip(requests, counts, strict=False)
    return [HeapObservation(done, walked_heap(draw(count))) for done, count in pairs]


def growing_paths(snapshots: list[HeapObservation]) -> list[str]:
    return [holder.path for holder in growing_holders(snapshots)]


def log_module(entries: int) -> DrawnGroup:
    """Return a module with a list of so many orders in it."""
    orders = group_node("[*]", "shop.Order", objects=entries, retained=200 * entries)
    held = group_node(".log", "list", orders, entries=entries, retained=208 * entries)
    return group_node("shop", "module", group_node("", "dict", held, entries=30))


@pytest.mark.parametrize(
    ("counts", "paths"),
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
def test_a_holder_that_grows_evenly_in_every_interval_is_reported(
    counts: tuple[int, ...], paths: list[str]
) -> None:
    assert growing_paths(snapshots_of(*counts, draw=log_module)) == paths


def test_it_is_reported_with_its_path_and_what_it_retains() -> None:
    (holder,) = growing_holders(snapshots_of(10, 60, 110, 160, draw=log_module))
    assert (holder.path, holder.counts) == ("shop.log", (10, 60, 110, 160))
    assert holder.retained == (2_080, 12_480, 22_880, 33_280)
    assert [(hop.name, hop.type) for hop in holder.hops] == [("shop", "module"), (".log", "list")]
    assert holder.types == {"shop.Order": 160}


def test_growth_is_compared_per_request_not_per_interval() -> None:
    uneven = (100, 110, 160, 400)
    assert growing_holders(snapshots_of(10, 20, 70, 310, draw=log_module, requests=uneven))
    assert not growing_holders(snapshots_of(10, 60, 110, 160, draw=log_module, requests=uneven))


@pytest.mark.parametrize(
    ("counts", "paths"), [((10, 15, 55, 60), ["shop.log"]), ((10, 50, 55, 60), [])]
)
def test_growth_per_request_of_one_endpoint_is_enough(
    counts: tuple[int, ...], paths: list[str]
) -> None:
    orders = (9, 14, 54, 59)
    snapshots = [
        snapshot._replace(
            requests_by_endpoint={
                ("POST", "/orders"): posted,
                ("GET", "/"): snapshot.requests - posted,
            }
        )
        for snapshot, posted in zip(snapshots_of(*counts, draw=log_module), orders, strict=True)
    ]
    assert growing_paths(snapshots) == paths


def test_the_holder_above_all_that_grows_is_reported_alone() -> None:
    def nested(entries: int) -> DrawnGroup:
        lines = group_node(
            ".lines", "list", objects=entries, entries=3 * entries, retained=900 * entries
        )
        orders = group_node("[*]", "shop.Order", lines, objects=entries, retained=999 * entries)
        return group_node("shop", "module", group_node(".log", "list", orders, entries=entries))

    assert growing_paths(snapshots_of(10, 60, 110, 160, draw=nested)) == ["shop.log"]


def test_lists_of_many_objects_are_reported_if_they_grow_and_their_number_does_not() -> None:
    def carts(entries: int) -> DrawnGroup:
        items = group_node(
            ".items", "list", objects=10, entries=10 * entries, retained=900 * entries
        )
        users = group_node("[*]", "shop.User", items, objects=10, retained=999 * entries)
        return group_node("shop", "module", group_node(".users", "list", users, entries=10))

    assert growing_paths(snapshots_of(1, 6, 11, 16, draw=carts)) == ["shop.users[*].items"]


def test_a_buffer_grows_by_its_bytes() -> None:
    def buffer(entries: int) -> DrawnGroup:
        return group_node(
            "shop", "module", group_node(".tail", "bytearray", shallow=1_000 * entries)
        )

    assert growing_paths(snapshots_of(10, 60, 110, 160, draw=buffer)) == ["shop.tail"]


@pytest.mark.parametrize("root", ["bugsly", "bugsly.probes.traffic"])
def test_nothing_of_the_agent_is_reported(root: str) -> None:
    def agent_log(entries: int) -> DrawnGroup:
        return group_node(root, "module", group_node(".log", "list", entries=entries))

    assert not growing_holders(snapshots_of(10, 60, 110, 160, draw=agent_log))


def unreachable_nodes(root: str, entries: int) -> DrawnGroup:
    return group_node(
        root, "", group_node("<>", "shop.Node", objects=entries, shallow=100 * entries)
    )


@pytest.mark.parametrize("root", [HELD_BY_C_ROOT, CYCLES_ROOT])
def test_unreachable_objects_are_reported_by_type(root: str) -> None:
    snapshots = snapshots_of(
        10, 60, 110, 160, draw=lambda entries: unreachable_nodes(root, entries)
    )
    (found,) = growing_unreachable(snapshots, collected=True)
    assert (found.type, found.counts) == ("shop.Node", (10, 60, 110, 160))
    assert found.bytes == (1_000, 6_000, 11_000, 16_000)
    assert not growing_holders(snapshots)


def test_cycles_that_the_collector_may_still_free_are_not_reported() -> None:
    snapshots = snapshots_of(
        10, 60, 110, 160, draw=lambda entries: unreachable_nodes(CYCLES_ROOT, entries)
    )
    assert growing_unreachable(snapshots, collected=False) == ()


def test_one_snapshot_reports_the_lowest_holder_that_retains_most() -> None:
    (holder,) = heaviest_holders(snapshots_of(500, draw=log_module)[0])
    assert (holder.path, holder.counts, holder.retained) == ("shop.log[*]", (0,), (100_000,))


class GrowingShop:
    """A module of which some containers grow at each step."""

    def __init__(self) -> None:
        self.log: list[object] = []
        self.warmed_up: list[object] = []
        self.carts = [list[object]() for _ in range(10)]
        self.tail = bytearray()
        self.module = module("shop", **vars(self), still=[[n] for n in range(90)])

    def grow(self, *, warms_up: bool) -> None:
        self.log += [[n] for n in range(50)]
        self.warmed_up += [[n] for n in range(50 if warms_up else 0)]
        self.tail += bytes(9_000)
        for cart in self.carts:
            cart += [{n} for n in range(30)]

    def take_snapshots(
        self, walker: HeapWalker, earlier_results: tuple[bytes, ...] = ()
    ) -> tuple[bytes, ...]:
        """Return *earlier_results* and a new one, as `take_snapshot` does."""
        return take_snapshot(
            walker,
            [("shop", self.module)],
            sleep_patiently,
            include_unreachable=False,
            earlier_results=earlier_results,
        ).encoded_results


def observations(encoded_results: Iterable[bytes]) -> list[HeapObservation]:
    return list(map(HeapObservation, REQUESTS, map(decode_walk_result, encoded_results)))


def test_a_series_of_snapshots_keeps_only_what_grew_and_that_is_enough(walker: HeapWalker) -> None:
    shop = GrowingShop()
    series: tuple[bytes, ...] = ()
    separate: list[bytes] = []
    for number in range(len(REQUESTS)):
        shop.grow(warms_up=number < 2)
        series = shop.take_snapshots(walker, series)
        separate += shop.take_snapshots(walker)
    reduced, complete = observations(series), observations(separate)
    assert set(growing_paths(complete)) == {"shop.log", "shop.carts[*]", "shop.tail"}
    assert growing_holders(reduced) == growing_holders(complete)
    assert reduced[-1].walk.objects - reduced[0].walk.objects > 1_000
    texts = {group.text for snapshot in reduced for group in snapshot.walk.groups}
    assert not texts & {"still", "warmed_up"}


def test_an_encoded_walk_result_is_decoded_again() -> None:
    walked = walked_heap(log_module(20))
    encoded = encode_walk_result(walked)
    assert split_walk_results(encoded * 2) == (encoded, encoded)
    assert decode_walk_result(encoded) == walked


@pytest.mark.parametrize(
    "data", [b"", b"heap", b"nonsense" * 40, encode_walk_result(walked_heap(log_module(20)))[:-5]]
)
def test_other_bytes_are_no_walk_result(data: bytes) -> None:
    with pytest.raises(InvalidWalkResult):
        split_walk_results(data)
    with pytest.raises(InvalidWalkResult):
        decode_walk_result(data)


def test_edge_kinds_have_the_numbers_of_the_walker_in_c() -> None:
    header = (AGENT_SOURCES.parent / "walker" / "heap.h").read_text()
    (listed,) = re.findall(r"enum EdgeKind \{(.*?)\};", header, re.DOTALL)
    assert re.findall(r"^    (\w+),", listed, re.MULTILINE) == [kind.name for kind in EdgeKind]
