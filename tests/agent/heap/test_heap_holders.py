"""The paths to what keeps memory, as a person would write them; the same from both walkers."""

import sys
import textwrap
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from tests.support.heap_walks import WALKERS, holders_by_name, walk_heap, walk_new_process
from tests.support.small_census import module

from bugsly.heap.heap_holders import HolderNode
from bugsly.heap.snapshot import HeapWalker

ORDERS = """
class Order:
    def __init__(self, number):
        self.lines = [number]
"""


class HeldOrders(NamedTuple):
    """Source that makes a heap, and the path to the 100 orders in it."""

    source: str
    path: str
    type: str = "list"


HELD_ORDERS = {
    "a list of a module": HeldOrders("log = [Order(n) for n in range(100)]", "shop.log"),
    "a dict by name": HeldOrders(
        "by = {'open': [Order(n) for n in range(100)]}", "shop.by['open']"
    ),
    "a dict by id": HeldOrders("by = {n: Order(n) for n in range(100)}", "shop.by", "dict"),
    "ids as strings": HeldOrders(
        "by = {f'{n:032x}': Order(n) for n in range(100)}", "shop.by", "dict"
    ),
    "a set": HeldOrders("seen = {Order(n) for n in range(100)}", "shop.seen", "set"),
    "a deque": HeldOrders(
        "from collections import deque\nlast = deque(map(Order, range(100)))",
        "shop.last",
        "collections.deque",
    ),
    "a queue": HeldOrders(
        """
        from queue import Queue
        waiting = Queue()
        waiting.eighth = "attribute"
        for n in range(100): waiting.put(Order(n))
        """,
        "shop.waiting",
        "queue.Queue",
    ),
    "an instance": HeldOrders(
        """
        class Client: pass
        client = Client()
        client.transport = Client()
        client.transport.log = [Order(n) for n in range(100)]
        """,
        "shop.client.transport.log",
    ),
    "slots": HeldOrders(
        """
        class Client:
            __slots__ = ("log",)
        client = Client()
        client.log = [Order(n) for n in range(100)]
        """,
        "shop.client.log",
    ),
    "a class": HeldOrders(
        "class Book:\n    log = [Order(n) for n in range(100)]", "shop.Book.log"
    ),
    "a closure of a module": HeldOrders(
        """
        def make():
            seen = [Order(n) for n in range(100)]
            def view(): return seen
            return view
        view = make()
        """,
        "shop.view.<closure>.seen",
    ),
    "a closure that nothing names": HeldOrders(
        """
        def make():
            seen = [Order(n) for n in range(100)]
            def view(): return seen
            return {"view": view}
        views = make()
        """,
        "shop.make.<locals>.view.<closure>.seen",
    ),
    "a default": HeldOrders(
        "def view(number, cache=[Order(n) for n in range(100)]): pass",
        "shop.view.<default>.cache",
    ),
    "a keyword's default": HeldOrders(
        "def view(*, cache=[Order(n) for n in range(100)]): pass", "shop.view.<default>.cache"
    ),
    "a function's attribute": HeldOrders(
        "def view(): pass\nview.log = [Order(n) for n in range(100)]", "shop.view.log"
    ),
    "a bound method": HeldOrders(
        """
        class Client:
            def send(self): pass
        client = Client()
        client.log = [Order(n) for n in range(100)]
        send = client.send
        del client
        """,
        "shop.send.__self__.log",
    ),
    "a kept traceback": HeldOrders(
        """
        def fail():
            body = [Order(n) for n in range(100)]
            raise ValueError
        try: fail()
        except ValueError as error: last = error
        """,
        "shop.last.__traceback__.tb_next.tb_frame.<local>.body",
    ),
    "a thread's own": HeldOrders(
        "import threading\nmine = threading.local()\nmine.log = [Order(n) for n in range(100)]",
        "shop.mine.<thread>.log",
    ),
    "a partial": HeldOrders(
        """
        from functools import partial
        call = partial(print, [Order(n) for n in range(100)])
        """,
        "shop.call.args[*]",
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=WALKERS)
def holders(request: pytest.FixtureRequest) -> dict[str, list[HolderNode]]:
    """Return what each walker finds in all these heaps, each of which is a module."""
    code = f"from {__name__} import make_modules\nroots = make_modules()"
    found, _ = walk_new_process(WALKERS[request.param](), code)
    return holders_by_name(found)


def make_modules() -> list[tuple[str, ModuleType]]:
    return [
        (f"shop{number}", module(f"shop{number}", ORDERS + textwrap.dedent(orders.source)))
        for number, orders in enumerate(HELD_ORDERS.values())
    ]


@pytest.mark.parametrize("what", HELD_ORDERS)
def test_what_keeps_orders_is_named(what: str, holders: dict[str, list[HolderNode]]) -> None:
    orders, name = HELD_ORDERS[what], f"shop{list(HELD_ORDERS).index(what)}"
    path = orders.path.replace("shop", name)
    (holder,) = [one for one in holders[path] if one.type == orders.type]
    assert (holder.count, holder.held_count) == (1, 100)
    below = {one.type: one.count for one in holder.descendants()}
    assert below[f"{name}.Order"] == 100
    assert holder.retained >= 100 * sys.getsizeof([1])


class LinkedNode:
    """A link of a chain, or anything else with attributes."""

    next: "LinkedNode | None" = None


def test_a_chain_is_one_holder_however_long_it_is(walker: HeapWalker) -> None:
    length = 1_000_000 if walker.name == "c" else 20_000
    chain: LinkedNode | None = None
    for _ in range(length):
        link = LinkedNode()
        link.next, chain = chain, link
    del link
    holders = holders_by_name(walk_heap(walker, [("chain", [chain])]))
    (first,), (links,) = holders["chain[*]"], holders["chain[*].next"]
    assert (first.count, links.count) == (1, length - 1)
    assert first.retained >= links.retained >= (length - 1) * 24


def test_lists_nested_5000_deep_are_all_counted(walker: HeapWalker) -> None:
    nested: list[object] = []
    for _ in range(5_000):
        nested = [nested, []]
    holders = walk_heap(walker, [("nested", nested)])
    assert sum(one.count for one in holders if one.type == "list") == 10_001


def test_of_two_paths_the_shorter_one_is_reported(walker: HeapWalker) -> None:
    book: Any = LinkedNode()
    book.log = [[n] for n in range(100)]
    book.copy = LinkedNode()
    book.copy.log = book.log
    holders = holders_by_name(walk_heap(walker, [("book", book)]))
    assert "book.log" in holders
    assert "book.copy.log" not in holders
