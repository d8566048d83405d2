"""Which holders a walk of the heap adds to those that are counted."""

from typing import Any

import pytest
from tests.support.heap_snapshots import GainByRequests, heap_holder, heap_snapshot, per_request
from tests.support.leak_evidence import (
    APP,
    HOME,
    ORDERS,
    gain_per_request,
    holder,
    leak_evidence,
    source,
    worker_history,
)

from bugsly.protocol.evidence import HeapHolder, TrimResult
from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.model.diagnosis import Cause, Diagnosis

GROWTH = gain_per_request(ORDERS, 2_000)
ALIVE = "requests alive after they ended"
SURVIVOR = holder(ALIVE, kind="survivor", entry="request", entry_bytes=0, file="")
SEEN = "shop.views.make_counter.<closure>.seen"
VIEWS = """\
def make_counter():
    seen = []

    def count(order):
        seen.append(order)

    return count
"""


def diagnose_heap(*found: HeapHolder, **facts: Any) -> tuple[Diagnosis, ...]:
    """Return the diagnoses of a worker that gains 2 kB per order, two of five requests."""
    drawn = {"memory": GROWTH, "live": GROWTH, "heaps": (heap_snapshot(*found),), **facts}
    texts = drawn.pop("sources", ())
    return diagnose(leak_evidence(worker_history(**drawn), sources=texts), [1])


def leaking_holders(found: tuple[Diagnosis, ...]) -> list[str]:
    return [one.holder.name for one in found if one.is_leak and one.holder is not None]


def test_a_holder_that_only_the_walk_found_is_named_with_all_that_is_known() -> None:
    (found,) = diagnose_heap(heap_holder(), sources=(source(VIEWS),))
    assert (found.cause, found.is_leak, found.holder_name) == (Cause.GROWING_CONTAINER, True, SEEN)
    assert (found.location.site, found.location.file, found.attribution.endpoint) == (
        "shop/views.py:5",
        APP,
        ORDERS,
    )
    assert found.holder is not None
    assert found.holder.entries_per_request == pytest.approx(1.0, rel=0.15)
    assert found.growth.bytes_per_request == pytest.approx(2_000, rel=0.15)
    assert found.growth.part == pytest.approx(1.0, abs=0.15)
    assert found.evidence.confidence > 0.85
    assert (
        found.evidence.reasons[0]
        == f"{SEEN} (list, 760 entries) keeps 1.5 MB: 760 × shop.models.Quote"
    )
    assert found.evidence.heap_path is not None
    assert [hop.name for hop in found.evidence.heap_path.hops] == [
        "shop.views",
        ".make_counter",
        "<closure>.seen",
    ]


def test_until_its_source_is_read_the_file_is_the_module_to_request() -> None:
    (found,) = diagnose_heap(heap_holder())
    assert (found.location.site, found.location.file) == (None, "shop.views")


OWNED = ("shop.app .extensions ['crm'] .history", "module", "dict", "crm.client.Client", "list")
CLIENT = "class Client:\n    def call(self):\n        self.history.append(1)\n"


def test_a_holder_deep_in_a_library_is_fed_by_the_source_of_the_type_that_owns_it() -> None:
    file = "/venv/lib/python3.11/site-packages/crm/client.py"
    (found,) = diagnose_heap(
        heap_holder(*OWNED), sources=(source(CLIENT, file=file, module="crm.client"),)
    )
    assert found.holder_name == "shop.app.extensions['crm'].history"
    assert (found.location.site, found.library) == ("crm/client.py:3", "crm")


def test_a_buffer_that_grows_has_no_entries() -> None:
    (found,) = diagnose_heap(
        heap_holder("shop.views .log", "module", "bytearray", counts=(0,) * 4, types={})
    )
    assert found.holder is not None
    assert (found.holder.name, found.holder.entries_per_request) == ("shop.views.log", 0)
    assert found.growth.bytes_per_request == pytest.approx(2_000, rel=0.15)
    assert found.evidence.reasons[0] == "shop.views.log (bytearray) keeps 1.5 MB"


def test_a_holder_that_follows_all_requests_has_no_endpoint_though_memory_follows_one() -> None:
    def traffic(step: int) -> dict[str, int]:
        orders = 3 if 33 <= step < 36 else 20 + 3 * (step % 4)
        return {ORDERS: orders, HOME: 50 - orders}

    (found,) = diagnose_heap(heap_holder(), traffic=traffic)
    assert (found.holder_name, found.attribution.endpoint) == (SEEN, None)


def test_an_endpoint_that_adds_an_entry_per_request_drives_it_whatever_memory_says() -> None:
    mix = {ORDERS: 20, HOME: 30}
    found, *_ = diagnose_heap(
        heap_holder(), memory=gain_per_request(HOME, 1_400), traffic=lambda _: mix
    )
    assert (found.holder_name, found.attribution.endpoint) == (SEEN, ORDERS)
    assert found.holder is not None
    assert found.holder.entries_per_request == pytest.approx(1.0, rel=0.1)


def test_a_local_of_a_running_call_is_fed_by_its_function() -> None:
    text = "def work(jobs):\n    done = []\n    while True:\n        done.append(jobs.get())\n"
    path = ("shop.views.work .<local>.done", "call", "list")
    (found,) = diagnose_heap(heap_holder(*path), sources=(source(text),))
    assert (found.holder_name, found.location.site) == (
        "shop.views.work.<local>.done",
        "shop/views.py:4",
    )


def test_the_attribute_above_keys_is_what_its_source_is_searched_for() -> None:
    path = "shop .jar ._cookies ['shop.test'] ['/']"
    held = heap_holder(path, "module", "http.cookiejar.CookieJar", "dict", "dict", "dict")
    text = "class CookieJar:\n    def keep(self, it):\n        self._cookies['/'][it] = it\n"
    file = "/usr/lib/python3.11/http/cookiejar.py"
    mix = {ORDERS: 20, HOME: 30}
    (found,) = diagnose_heap(
        held,
        traffic=lambda _: mix,
        sources=(source(text, file=file, module="http.cookiejar"),),
    )
    assert found.location.site == "http/cookiejar.py:3"


CAUSES: list[tuple[str, dict[str, int], Cause]] = [
    ("quotes", {"shop.models.Quote": 760}, Cause.GROWING_CONTAINER),
    ("exceptions", {"frame": 1_500, "ValueError": 760, "str": 4_000}, Cause.KEPT_EXCEPTION),
    ("requests", {"werkzeug.wrappers.request.Request": 760}, Cause.KEPT_EXCEPTION),
    ("clients", {"dict": 1_520, "httpx.Client": 760}, Cause.MADE_PER_REQUEST),
    ("functions", {"function": 760}, Cause.HANDLERS_PER_REQUEST),
    ("one client among many", {"httpx.Client": 1, "dict": 760}, Cause.GROWING_CONTAINER),
]


@pytest.mark.parametrize(("types", "cause"), [pytest.param(*c[1:], id=c[0]) for c in CAUSES])
def test_the_cause_follows_from_what_is_kept_in_number(types: dict[str, int], cause: Cause) -> None:
    (found,) = diagnose_heap(heap_holder(types=types))
    assert found.cause is cause


def saturating(stock: int) -> GainByRequests:
    return lambda requests: stock * (1 - (1 - 1 / stock) ** (requests * 0.4))


DICT = ("shop.views .memo", "module", "dict")
DEQUE = ("shop.views .latest", "module", "collections.deque")
CACHE = ("shop.views .memo ._Cache__data", "module", "cachetools.LRUCache", "dict")
BOUND = "memo = {}\n\n\ndef keep(key):\n    if len(memo) < 5000:\n        memo[key] = 1\n"
SILENT: list[tuple[str, HeapHolder, dict[str, Any]]] = [
    ("stood still once", heap_holder(retained=(600, 660, 660, 760)), {}),
    ("gained entries and no bytes", heap_holder(retained=(9, 9, 9, 9)), {}),
    ("slowed down", heap_holder(gain=lambda at: 200 * (at - 1_480) ** 0.5), {}),
    ("too few entries", heap_holder(gain=per_request(0.05)), {}),
    (
        "two snapshots",
        heap_holder(counts=(600, 700), retained=(9, 99)),
        {"requests": (1_500, 1_900)},
    ),
    ("a dict of ever rarer keys", heap_holder(*DICT, gain=saturating(900)), {}),
    ("next to nothing of the growth", heap_holder(entry_bytes=50), {}),
    ("far more than the growth", heap_holder(entry_bytes=50_000), {}),
    ("a bound in its source", heap_holder(*DICT), {"sources": (source(BOUND),)}),
]


@pytest.mark.parametrize(("found", "facts"), [pytest.param(*c[1:], id=c[0]) for c in SILENT])
def test_what_may_stop_or_does_not_explain_the_growth_is_no_leak(
    found: HeapHolder, facts: dict[str, Any]
) -> None:
    numbers = {name: facts[name] for name in ("requests",) if name in facts}
    texts = {name: facts[name] for name in ("sources",) if name in facts}
    assert leaking_holders(diagnose_heap(heaps=(heap_snapshot(found, **numbers),), **texts)) == []


@pytest.mark.parametrize("path", [DEQUE, CACHE])
def test_a_type_that_often_has_a_bound_is_a_guess_until_its_source_is_read(
    path: tuple[str, ...],
) -> None:
    guess, *_ = diagnose_heap(heap_holder(*path))
    assert (guess.evidence.confidence, guess.location.file) == (
        0.4,
        "cachetools" if path is CACHE else "shop.views",
    )


def test_a_dict_that_gains_with_one_of_two_endpoints_that_come_together_goes_on() -> None:
    together = {ORDERS: 25, HOME: 25}
    (found,) = diagnose_heap(heap_holder(*DICT, gain=per_request(0.5)), traffic=lambda _: together)
    assert (found.holder_name, found.attribution.endpoint) == ("shop.views.memo", None)


def test_nothing_leaks_below_python_that_a_dict_holds_which_may_yet_stop() -> None:
    trims = (TrimResult(before=9, after=9),)
    (native,) = diagnose_heap(trims=trims)
    assert native.cause is Cause.NATIVE
    (found,) = diagnose_heap(heap_holder(*DICT, gain=per_request(0.3)), trims=trims)
    assert (found.cause, found.is_leak) == (Cause.UNKNOWN, False)
    fact = "shop.views.memo (dict, 570 entries) keeps 1.1 MB: 570 × shop.models.Quote"
    assert found.evidence.reasons[0] == f"{fact}, and may yet stop"


FED = "latest = deque()\n\n\ndef keep(key):\n    latest.append(key)\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [(FED, ["shop.views.latest"]), (FED.replace("deque()", "deque(maxlen=9000)"), [])],
)
def test_the_source_of_a_deque_shows_whether_it_stops(text: str, named: list[str]) -> None:
    found = diagnose_heap(heap_holder(*DEQUE), sources=(source(text),))
    assert [one.holder_name for one in found if one.evidence.confidence > 0.85] == named


def test_nothing_is_named_while_no_worker_surely_grows() -> None:
    assert (
        diagnose(
            leak_evidence(worker_history(memory=GROWTH, heaps=(heap_snapshot(heap_holder()),))), []
        )
        == ()
    )


def test_of_nested_holders_the_outermost_is_named() -> None:
    inner = heap_holder("shop.views .seen [*] .rows", "module", "list", "dict", "list")
    outer = heap_holder("shop.views .seen", "module", "list")
    assert leaking_holders(diagnose_heap(inner, outer)) == ["shop.views.seen"]


def test_the_heap_of_an_older_release_says_nothing() -> None:
    old = worker_history(worker_id=2, release="0.9", heaps=(heap_snapshot(heap_holder()),))
    trims = (TrimResult(before=9, after=9),)
    found = diagnose(
        leak_evidence(worker_history(memory=GROWTH, live=GROWTH, trims=trims), old), [1]
    )
    assert [one.cause for one in found] == [Cause.NATIVE]


def test_what_a_guess_holds_still_wants_an_explanation() -> None:
    found = diagnose_heap(heap_holder(*DEQUE))
    assert [one.cause for one in found] == [Cause.GROWING_CONTAINER, Cause.UNKNOWN]
