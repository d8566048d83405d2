"""The census keeps no object alive, and reads large containers in part."""

import gc
import weakref

import pytest
from tests.support.small_census import APP_FILE, SmallCensus, census_of_growth, module

SHOP = """
    class Order:
        def __init__(self):
            self.lines = [Line() for _ in range(3)]
    class Line:
        __slots__ = ("kept", "__weakref__")
        def __init__(self):
            self.kept = {}
    orders = {n: Order() for n in range(200)}
    nested = [[[Line()]]]
    def make():
        class Quote:
            def __init__(self):
                self.lines = []
        return Quote()
    quotes = [make() for _ in range(50)]
"""
MANY = 100_000


def test_nothing_is_kept_alive_between_two_slices() -> None:
    made = module("probe", SHOP)
    small_census = SmallCensus(made)
    things = [*made.orders.values(), made.nested[0][0][0], *map(type, made.quotes)]
    watched = [weakref.ref(thing) for thing in things]
    for _ in range(3):
        while not small_census.census.work(0):
            pass
    for _ in range(400):
        small_census.census.work(0)
    del things
    made.orders.clear()
    made.nested.clear()
    made.quotes.clear()
    gc.collect()
    assert [one for one in watched if one() is not None] == []


def test_nothing_is_kept_alive_in_the_middle_of_a_container() -> None:
    made = module("probe", "class Thing: pass\nthings = [Thing() for _ in range(200)]")
    small_census = SmallCensus(made)
    for _ in range(100):
        small_census.census.work(0)
        watched = weakref.ref(made.things[150])
        made.things[150] = made.Thing()
        assert watched() is None


def test_nothing_that_is_watched_is_kept_alive() -> None:
    made = module("probe", "class Log(list): pass\nlogs = {'a': Log()}")
    small_census = census_of_growth(made, "logs['a'].append(i)")
    assert small_census.levels == {"probe.logs['a']": 60}
    watched = weakref.ref(made.logs.pop("a"))
    assert watched() is None
    assert small_census.levels == {"probe.logs['a']": 0}


def test_a_pass_makes_no_cyclic_garbage() -> None:
    made = module("probe", SHOP)
    small_census = census_of_growth(made, "orders[1000 + i] = Order()")
    gc.collect()
    gc.disable()
    try:
        small_census.run_passes(3)
        assert small_census.levels
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_an_application_is_not_kept_alive() -> None:
    class App:
        def __init__(self) -> None:
            self.import_name = "probe"
            self.seen: dict[int, int] = {}

        def wsgi_app(self) -> None: ...

    app = App()
    small_census = SmallCensus(module("probe"), served=[app.wsgi_app])
    for number in range(3):
        app.seen |= {number * 100 + key: key for key in range(100)}
        small_census.run_passes()
    assert small_census.levels == {"probe:app.seen": 300}
    assert small_census.holders["probe:app.seen"].file == APP_FILE.format("probe")
    watched = weakref.ref(app)
    small_census.served.clear()
    del app
    assert watched() is None
    assert small_census.levels == {"probe:app.seen": 0}


@pytest.mark.parametrize("size", [300, 30_000])
def test_a_huge_container_costs_no_more_than_a_big_one(size: int) -> None:
    made = module("probe", "things = {n: [n] for n in range(size)}", size=size)
    small_census = SmallCensus(made)
    small_census.census.work(1)
    assert len(small_census.census._seen) < 300


def test_a_module_of_very_many_names_is_read_in_part() -> None:
    made = module("probe", "log = []")
    vars(made).update({f"name_{number}": [number] for number in range(MANY)}, last=[])
    small_census = census_of_growth(made, "log.append(i); last.append(i)", passes=2)
    assert small_census.levels["probe.last"] == 40
    assert len(small_census.census._seen) < 10_000
