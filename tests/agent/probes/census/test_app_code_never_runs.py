"""The census runs no code of the application, whatever its classes define."""

import gc
import importlib.util
import sys
import textwrap
import threading
from types import ModuleType
from typing import Any

import pytest
from tests.support.small_census import SmallCensus, census_of_growth, module

from bugsly.introspection.containers import oldest_entries
from bugsly.probes.census import Census

RAN: list[str] = []
SPY = """
    def ran(what):
        RAN.append(what)
        raise RuntimeError(what)
"""
HOSTILE = {
    "a property": """
        class Shop:
            log = []
            @property
            def total(self): ran("property")
        shop = Shop()
        shop.log2 = []
    """,
    "attributes made on demand": """
        class Shop:
            log = []
            def __getattr__(self, name): ran(name)
            def __getattribute__(self, name): ran(name)
        shop = Shop()
    """,
    "methods of a container": """
        class Log(dict):
            log = []
            def __len__(self): ran("len")
            def __iter__(self): ran("iter")
            def __getitem__(self, key): ran("getitem")
            def __missing__(self, key): ran("missing")
            def __contains__(self, key): ran("contains")
            def __repr__(self): ran("repr")
            def __sizeof__(self): ran("sizeof")
            def __bool__(self): ran("bool")
            def items(self): ran("items")
            def get(self, key): ran("get")
        shop = Log({n: n for n in range(100)})
        class Line(list):
            __len__ = __iter__ = __getitem__ = __bool__ = Log.__len__
        line = Line([[], []])
    """,
    "keys": """
        class Key:
            log = []
            def __hash__(self): return hash("a") if ready else ran("hash")
            def __eq__(self, other): ran("eq")
            def __repr__(self): ran("repr")
        ready = True
        shop = {Key(): [] for _ in range(1)}
        ready = False
    """,
    "keys among attributes": """
        class Key(str):
            log = []
            def __hash__(self): return str.__hash__(self) if ready else ran("hash")
            def __eq__(self, other): ran("eq")
        class Shop: pass
        ready = True
        shop = Shop()
        shop.kept = []
        vars(shop)[Key("other")] = [[]]
        globals()[Key("another")] = [[]]
        ready = False
    """,
    "a lie about its class": """
        class Shop:
            log = []
            @property
            def __class__(self): ran("class")
        shop = Shop()
    """,
    "a container's lie about its class": """
        class Shop(list):
            @property
            def __class__(self): ran("class")
        shop = Shop([[], []])
        shops = {"a": shop}
        class Line(set): __class__ = Shop.__dict__["__class__"]
        line = Line([1, 2])
    """,
    "a dictionary that is none": """
        class Shop:
            log = []
            __slots__ = ("kept",)
            @property
            def __dict__(self): ran("dict")
        shop = Shop()
        shop.kept = []
    """,
    "an attribute dictionary with a will": """
        class Held(dict):
            def get(self, *key): ran("get")
            def items(self): ran("items")
            def __len__(self): ran("len")
        class Shop: log = []
        shop = Shop()
        shop.__dict__ = Held(a=[])
    """,
    "a metaclass": """
        class Meta(type):
            def __hash__(cls): ran("hash")
            def __eq__(cls, other): ran("eq")
            def __getattribute__(cls, name): ran(name)
            def __instancecheck__(cls, one): ran("instancecheck")
            def __subclasscheck__(cls, one): ran("subclasscheck")
            @property
            def __mro__(cls): ran("mro")
        class Shop(metaclass=Meta): log = []
        shop = Shop()
        shops = [shop, Shop]
    """,
    "names that are no names": """
        class Shop: log = []
        Shop.__module__ = 7
        Shop.__qualname__ = "x" * 5000
        def wrong(): return []
        wrong.__module__ = 7
        shop = Shop()
    """,
    "slots": """
        class Shop:
            __slots__ = ("empty", "log2")
            log = []
        shop = Shop()
    """,
    "a thread's own": """
        import threading
        class Mine(threading.local):
            log = []
            made = []
            def __init__(self):
                if self.made: ran("init")
                self.made.append(1)
        shop = Mine()
    """,
}


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


@pytest.mark.parametrize("what", HOSTILE)
def test_a_pass_runs_no_code_of_the_application(what: str) -> None:
    made = module("probe", SPY, RAN=RAN)
    exec(textwrap.dedent(HOSTILE[what]), vars(made))
    vars(made)["grown"] = []
    small_census = census_of_growth(made, "grown.append(i)")
    assert small_census.levels["probe.grown"] == 60
    assert small_census.holders["probe.grown"].entry == "int"
    assert RAN == []


@pytest.mark.parametrize("what", HOSTILE)
def test_weighing_runs_no_code_of_the_application(what: str) -> None:
    made = module("probe", SPY, RAN=RAN)
    exec(textwrap.dedent(HOSTILE[what]), vars(made))
    vars(made)["grown"] = []
    small_census = census_of_growth(
        made, "grown.append([globals().get('shop'), globals().get('line')])"
    )
    assert small_census.holders["probe.grown"].entry_bytes > 0
    assert RAN == []


def test_a_container_with_its_own_len_is_counted_without_calling_it() -> None:
    made = module("probe", "class Log(list):\n  def __len__(self): raise RuntimeError\nlog = Log()")
    assert census_of_growth(made, "log.append(i)").levels == {"probe.log": 60}


def test_a_proxy_is_never_evaluated() -> None:
    from werkzeug.local import LocalProxy

    proxy: Any = LocalProxy(lambda: RAN.append("evaluated"))
    made = module("probe", "log = []", proxy=proxy, proxies=[proxy], by={"a": proxy})
    assert census_of_growth(made, "log.append(proxies[0])").levels == {"probe.log": 60}
    assert RAN == []


def test_an_object_in_sys_modules_that_is_no_module_is_not_read() -> None:
    class Strange:
        def __getattribute__(self, name: str) -> None:
            RAN.append(name)

    made = module("probe", "log = []")
    sys.modules["probe.strange"] = Strange()  # type: ignore[assignment] # which is what some do
    census = Census(list, {"probe": made, "probe.strange": Strange()})
    while not census.work(1):
        pass
    assert RAN == []


def test_a_lazy_module_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    found = importlib.util.find_spec("this")
    assert found is not None
    assert found.loader is not None
    found.loader = importlib.util.LazyLoader(found.loader)
    lazy = importlib.util.module_from_spec(found)
    found.loader.exec_module(lazy)
    census = Census(list, {"this": lazy})
    while not census.work(1):
        pass
    assert type(lazy) is not ModuleType


def test_passes_succeed_while_threads_change_everything() -> None:
    made = module("probe", "log = {}\nqueue = __import__('collections').deque()\nseen = set()")
    end = threading.Event()

    def change() -> None:
        number = 0
        while not end.is_set():
            number += 1
            made.log[number] = [number]
            made.queue.append({number})
            made.seen.add(number)
            vars(made)[f"name_{number % 50}"] = [number] * (number % 100)
            if number % 7 == 0:
                made.log.pop(number - 3, None)
                made.queue.popleft()
                vars(made).pop(f"name_{number % 40}", None)

    threads = [threading.Thread(target=change) for _ in range(3)]
    for thread in threads:
        thread.start()
    small_census = SmallCensus(made)
    try:
        for _ in range(20):
            small_census.run_passes()
            assert all(count >= 0 for count in small_census.levels.values())
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert "probe.log" in small_census.levels


def test_a_container_that_changes_while_it_is_read_is_skipped() -> None:
    """A collection, and finalizers with it, may run during a C call."""
    changing = {number: [number] for number in range(200)}
    threshold = gc.get_threshold()

    def change(phase: str, _facts: dict[str, int]) -> None:
        if phase == "start":
            changing[len(changing)] = []

    gc.callbacks.append(change)
    gc.set_threshold(1)
    try:
        found = oldest_entries(changing, 256)
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(change)
    assert found == [] or len(found) >= 200
