"""The way to what keeps memory, as a person would say it; the same from both walkers."""

import sys
import textwrap
from typing import Any, NamedTuple

import pytest
from tests.support.heaps import WALKERS, by_name, walked
from tests.support.looking import module

from bugsly.heap.places import Place
from bugsly.heap.snapshot import Walker

ORDERS = """
class Order:
    def __init__(self, number):
        self.lines = [number]
"""


class Kept(NamedTuple):
    """A heap, and the way to the 100 orders in it."""

    source: str
    way: str
    type: str = "list"


KEPT = {
    "a list of a module": Kept("log = [Order(n) for n in range(100)]", "shop.log"),
    "a dict by name": Kept("by = {'open': [Order(n) for n in range(100)]}", "shop.by['open']"),
    "a dict by id": Kept("by = {n: Order(n) for n in range(100)}", "shop.by", "dict"),
    "ids as strings": Kept("by = {f'{n:032x}': Order(n) for n in range(100)}", "shop.by", "dict"),
    "a set": Kept("seen = {Order(n) for n in range(100)}", "shop.seen", "set"),
    "a deque": Kept(
        "from collections import deque\nlast = deque(map(Order, range(100)))",
        "shop.last",
        "collections.deque",
    ),
    "a queue": Kept(
        """
        from queue import Queue
        waiting = Queue()
        waiting.eighth = "attribute"
        for n in range(100): waiting.put(Order(n))
        """,
        "shop.waiting",
        "queue.Queue",
    ),
    "an instance": Kept(
        """
        class Client: pass
        client = Client()
        client.transport = Client()
        client.transport.log = [Order(n) for n in range(100)]
        """,
        "shop.client.transport.log",
    ),
    "slots": Kept(
        """
        class Client:
            __slots__ = ("log",)
        client = Client()
        client.log = [Order(n) for n in range(100)]
        """,
        "shop.client.log",
    ),
    "a class": Kept(
        "class Book:\n    log = [Order(n) for n in range(100)]", "shop.Book.log"
    ),
    "a closure of a module": Kept(
        """
        def make():
            seen = [Order(n) for n in range(100)]
            def view(): return seen
            return view
        view = make()
        """,
        "shop.view.<closure>.seen",
    ),
    "a closure that nothing names": Kept(
        """
        def make():
            seen = [Order(n) for n in range(100)]
            def view(): return seen
            return {"view": view}
        views = make()
        """,
        "shop.make.<locals>.view.<closure>.seen",
    ),
    "a default": Kept(
        "def view(number, cache=[Order(n) for n in range(100)]): pass",
        "shop.view.<default>.cache",
    ),
    "a keyword's default": Kept(
        "def view(*, cache=[Order(n) for n in range(100)]): pass", "shop.view.<default>.cache"
    ),
    "a function's attribute": Kept(
        "def view(): pass\nview.log = [Order(n) for n in range(100)]", "shop.view.log"
    ),
    "a bound method": Kept(
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
    "a kept traceback": Kept(
        """
        def fail():
            body = [Order(n) for n in range(100)]
            raise ValueError
        try: fail()
        except ValueError as error: last = error
        """,
        "shop.last.__traceback__.tb_next.tb_frame.<local>.body",
    ),
    "a thread's own": Kept(
        "import threading\nmine = threading.local()\nmine.log = [Order(n) for n in range(100)]",
        "shop.mine.<thread>.log",
    ),
    "a partial": Kept(
        """
        from functools import partial
        call = partial(print, [Order(n) for n in range(100)])
        """,
        "shop.call.args[*]",
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=WALKERS)
def places(request: pytest.FixtureRequest) -> dict[str, list[Place]]:
    """Return what each walker finds in all these heaps, in a module for each of them."""
    roots = [
        (f"shop{number}", module(f"shop{number}", ORDERS + textwrap.dedent(kept.source)))
        for number, kept in enumerate(KEPT.values())
    ]
    return by_name(walked(WALKERS[request.param](), roots))


@pytest.mark.parametrize("what", KEPT)
def test_what_keeps_orders_is_named(what: str, places: dict[str, list[Place]]) -> None:
    kept, name = KEPT[what], f"shop{list(KEPT).index(what)}"
    way = kept.way.replace("shop", name)
    (place,) = [one for one in places[way] if one.type == kept.type]
    assert (place.count, place.holds) == (1, 100)
    below = {one.type: one.count for one in place.below()}
    assert below[f"{name}.Order"] == 100
    assert place.retained >= 100 * sys.getsizeof([1])


class Link:
    """A link of a chain, or anything else with attributes."""

    next: "Link | None" = None


def test_a_chain_is_one_place_however_long_it_is(walker: Walker) -> None:
    length = 1_000_000 if walker.name == "c" else 20_000
    chain: Link | None = None
    for _ in range(length):
        link = Link()
        link.next, chain = chain, link
    del link
    places = by_name(walked(walker, [("chain", [chain])]))
    (first,), (links,) = places["chain[*]"], places["chain[*].next"]
    assert (first.count, links.count) == (1, length - 1)
    assert first.retained >= links.retained >= (length - 1) * 24


def test_a_list_in_a_list_in_a_list_ends_somewhere(walker: Walker) -> None:
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep, []]
    places = walked(walker, [("deep", deep)])
    assert sum(one.count for one in places if one.type == "list") == 10_001


def test_of_two_ways_the_shorter_one_is_told(walker: Walker) -> None:
    book: Any = Link()
    book.log = [[n] for n in range(100)]
    book.deep = Link()
    book.deep.log = book.log
    places = by_name(walked(walker, [("book", book)]))
    assert "book.log" in places
    assert "book.deep.log" not in places
