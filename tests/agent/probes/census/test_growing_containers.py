"""Which growing containers the census finds, and how it describes them."""

from typing import NamedTuple

import pytest
from tests.support.small_census import LIBRARY_FILE, census_of_growth, module


class GrowthCase(NamedTuple):
    """Source of a module, what makes it grow, and how it is described."""

    source: str
    step: str
    name: str
    kind: str
    bound: int | None = None


SHELF = """
    class Shelf:
        books = []
        def __init__(self):
            self.lent = []
    shelf = Shelf()
"""
SLOTTED = """
    class Shelf:
        __slots__ = ("lent",)
        def __init__(self):
            self.lent = []
    shelf = Shelf()
"""
BOUNDED = """
    class Store:
        def __init__(self):
            self.max_size = 500
            self.kept = {}
    store = Store()
"""
CLASS_BOUND = """
    from collections import OrderedDict
    class Lru(OrderedDict):
        maxsize = 500
    lru = Lru()
"""
CLOSURE = """
    def remember():
        seen = {}
        def add(one):
            seen[one] = []
        return add
    add = remember()
"""
CACHE = """
    from functools import lru_cache
    @lru_cache(maxsize={})
    def price(number):
        return [number]
"""
METHOD_CACHE = """
    from functools import lru_cache
    class Shop:
        @staticmethod
        @lru_cache(maxsize=None)
        def price(number):
            return [number]
"""
WEAK = """
    import weakref
    class Thing: pass
    kept = tuple(Thing() for _ in range(200))
    known = weakref.{}()
"""
NAMED = """
    from collections import namedtuple
    class Backend: pass
    backend = Backend()
    backend.pending = namedtuple("Pending", "concrete weak")({}, {})
"""
BOUND_METHOD = """
    class Shelf:
        def __init__(self):
            self.lent = []
        def lend(self, one):
            self.lent.append(one)
    lend = Shelf().lend
"""
PARTIAL = """
    from functools import partial
    def keep(where, one):
        where.append(one)
    keep_it = partial(keep, [])
"""
RING = "from collections import deque\nring = deque(maxlen=100)"
CACHETOOLS = """
    class Cache:
        def __init__(self, maxsize):
            self.__data = {}
            self.__order = {}
            self.__maxsize = maxsize
        def put(self, key):
            self.__data[key] = self.__order[key] = key
    Cache.__module__ = "cachetools"
    cache = Cache(1000)
"""
CASES = [
    GrowthCase("log = []", "log.append({})", "probe.log", "list"),
    GrowthCase("log = {}", "log[i] = []", "probe.log", "dict"),
    GrowthCase("log = set()", "log.add(str(i))", "probe.log", "set"),
    GrowthCase("log = bytearray()", "log.extend(b'xy')", "probe.log", "bytearray"),
    GrowthCase("from array import array\nlog = array('q')", "log.append(i)", "probe.log", "array"),
    GrowthCase("log = []", "global log; log = log + [i]", "probe.log", "list"),
    GrowthCase(RING, "ring.append(i)", "probe.ring", "deque", 100),
    GrowthCase("registry = {'a': {}}", "registry['a'][i] = 1", "probe.registry['a']", "dict"),
    GrowthCase(
        "registry = {}", "registry.setdefault('a', []).append(i)", "probe.registry['a']", "list"
    ),
    GrowthCase("shelves = [[], []]", "shelves[1].append(i)", "probe.shelves[1]", "list"),
    GrowthCase("pair = (1, [])", "pair[1].append(i)", "probe.pair[1]", "list"),
    GrowthCase("by = {int: []}", "by[int].append(i)", "probe.by[<int> 0]", "list"),
    GrowthCase("by = {('a', 1): []}", "by['a', 1].append(i)", "probe.by[<tuple> a3a447cb]", "list"),
    GrowthCase(SHELF, "Shelf.books.append(i)", "probe.Shelf.books", "list"),
    GrowthCase(SHELF, "shelf.lent.append(i)", "probe.shelf.lent", "list"),
    GrowthCase(SLOTTED, "shelf.lent.append(i)", "probe.shelf.lent", "list"),
    GrowthCase(BOUNDED, "store.kept[i] = i", "probe.store.kept", "dict", 500),
    GrowthCase(CLASS_BOUND, "lru[i] = i", "probe.lru", "Lru", 500),
    GrowthCase(CLOSURE, "add(i)", "probe.add.<closure>.seen", "dict"),
    GrowthCase("def f(x, memo=[]): memo.append(x)", "f(i)", "probe.f.<default>.memo", "list"),
    GrowthCase("def f(x, *, memo=[]): memo.append(x)", "f(i)", "probe.f.<default>.memo", "list"),
    GrowthCase("def f(x): f.memo.append(x)\nf.memo = []", "f(i)", "probe.f.memo", "list"),
    GrowthCase(CACHE.format(None), "price(i)", "probe.price", "lru_cache"),
    GrowthCase(CACHE.format(64), "price(i)", "probe.price", "lru_cache", 64),
    GrowthCase(METHOD_CACHE, "Shop.price(i)", "probe.Shop.price.__func__", "lru_cache"),
    GrowthCase(WEAK.format("WeakSet"), "known.add(kept[i])", "probe.known", "WeakSet"),
    GrowthCase(
        WEAK.format("WeakValueDictionary"),
        "known[i] = kept[i]",
        "probe.known",
        "WeakValueDictionary",
    ),
    GrowthCase(NAMED, "backend.pending.concrete[i] = i", "probe.backend.pending.concrete", "dict"),
    GrowthCase(BOUND_METHOD, "lend(i)", "probe.lend.__self__.lent", "list"),
    GrowthCase(PARTIAL, "keep_it(i)", "probe.keep_it[0]", "list"),
    GrowthCase("import queue\nq = queue.Queue()", "q.put(i)", "probe.q", "Queue"),
    GrowthCase("import queue\nq = queue.Queue(90)", "q.put(i)", "probe.q", "Queue", 90),
    GrowthCase("import queue\nq = queue.SimpleQueue()", "q.put(i)", "probe.q", "SimpleQueue"),
    GrowthCase(CACHETOOLS, "cache.put(i)", "probe.cache", "Cache", 1000),
    GrowthCase("", "__warningregistry__[i] = True", "probe.__warningregistry__", "dict"),
]
LIBRARIES = [
    case for case in CASES if "<default>.memo" not in case.name and case.name != "probe.f.memo"
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind} {case.name}")
def test_what_grows_in_the_application_is_named_counted_and_described(case: GrowthCase) -> None:
    made = module("probe", case.source, __warningregistry__={})
    small_census = census_of_growth(made, case.step)
    assert case.name in small_census.levels
    holder = small_census.holders[case.name]
    assert (holder.kind, holder.bound) == (case.kind, case.bound)
    assert holder.library == ""
    assert holder.file == "/srv/app/probe.py"


@pytest.mark.parametrize("case", LIBRARIES, ids=lambda case: f"{case.kind} {case.name}")
def test_what_grows_in_a_library_is_named_counted_and_described(case: GrowthCase) -> None:
    made = module("probe", case.source, LIBRARY_FILE, __warningregistry__={})
    small_census = census_of_growth(made, case.step)
    assert case.name in small_census.levels
    assert small_census.holders[case.name].kind == case.kind
    assert small_census.holders[case.name].library == "probe"


def test_entries_of_a_weak_container_are_named_by_what_they_refer_to() -> None:
    made = module("probe", WEAK.format("WeakSet"))
    small_census = census_of_growth(made, "known.add(kept[i])")
    assert small_census.holders["probe.known"].entry == "probe.Thing"


def test_counts_are_current() -> None:
    made = module("probe", "log = []")
    small_census = census_of_growth(made, "log.append(i)")
    assert small_census.levels == {"probe.log": 60}
    made.log.extend(range(7))
    assert small_census.levels == {"probe.log": 67}


def test_what_does_not_grow_is_not_reported() -> None:
    made = module("probe", "log = list(range(100))\nsmall = []")
    small_census = census_of_growth(made, "small.append(i)", times=2)
    assert small_census.levels == {}


def test_what_grew_once_stays_reported() -> None:
    made = module("probe", "log = []")
    small_census = census_of_growth(made, "log.append(i)")
    small_census.run_passes(10)
    assert [small_census.levels for _ in range(50)] == [{"probe.log": 60}] * 50


def test_what_stopped_growing_makes_room_for_what_grows() -> None:
    made = module(
        "probe", "logs = {f'old_{n:03}'.replace('0', 'o'): [] for n in range(40)}\nlog = []"
    )
    small_census = census_of_growth(made, "for one in logs.values(): one.append(i)")
    assert len(small_census.levels) == 40
    for _ in range(30):
        assert len(small_census.levels) == 40
    for _ in range(3):
        made.log.extend(range(20))
        small_census.run_passes()
    assert small_census.levels["probe.log"] == 60
    assert len(small_census.levels) == 40


def test_a_container_that_is_gone_has_no_entries() -> None:
    made = module("probe", "log = []")
    small_census = census_of_growth(made, "log.append(i)")
    assert small_census.levels == {"probe.log": 60}
    vars(made)["log"] = None
    assert small_census.levels == {"probe.log": 0}
