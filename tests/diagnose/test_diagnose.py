"""Which diagnoses follow from what was seen in workers."""

import random
from typing import Any

import pytest
from tests.support.leak_evidence import (
    HOME,
    ORDERS,
    gain_per_request,
    holder,
    keys_from_stock,
    leak_evidence,
    source,
    worker_history,
)

from bugsly_server.diagnose.diagnose import diagnose
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.leak_evidence import EndpointResponses

VIEWS = """\
from flask import Blueprint

shop = Blueprint("shop", __name__)
log = []


@shop.get("/orders")
def orders():
    log.append({"at": 1})
    return "ok"
"""


def only_diagnosis(found: tuple[Diagnosis, ...]) -> Diagnosis:
    assert len(found) == 1, [(it.cause, it.holder_name) for it in found]
    return found[0]


def diagnose_holder(
    level: Any, *, growing: bool = False, weight: int = 0, **facts: Any
) -> tuple[Diagnosis, ...]:
    """Return the diagnoses of one holder in one worker.

    Memory grows by *weight* bytes with each entry, 800 where it is only said to be growing.
    """
    drawn: dict[str, Any] = {
        key: facts.pop(key) for key in ("traffic", "fails", "number") if key in facts
    }
    if growing or weight:
        drawn["memory"] = lambda sofar: (weight or 800) * level(sofar)
    held = holder(**facts)
    return diagnose(
        leak_evidence(worker_history({held.name: level}, **drawn), holders=(held,)),
        [1] if growing or weight else [],
    )


def test_a_list_that_gains_an_entry_per_request_is_named_with_all_that_is_known() -> None:
    memory = gain_per_request(ORDERS, 1_200)
    lives = worker_history({"shop.views.log": gain_per_request(ORDERS)}, memory=memory)
    found = only_diagnosis(
        diagnose(
            leak_evidence(lives, holders=(holder(entry="dict"),), sources=(source(VIEWS),)), [1]
        )
    )
    assert (found.cause, found.is_leak) == (Cause.GROWING_CONTAINER, True)
    assert (found.holder_name, found.location.site, found.location.file) == (
        "shop.views.log",
        "shop/views.py:9",
        "/app/shop/views.py",
    )
    assert found.attribution.endpoint == ORDERS
    assert found.holder is not None
    assert found.holder.entries_per_request == pytest.approx(1.0)
    assert found.growth.bytes_per_request == pytest.approx(800)
    assert found.attribution.shares[0].part == pytest.approx(1.0, abs=0.02)
    assert found.growth.part == pytest.approx(800 / 1_200, rel=0.3)
    assert found.evidence.confidence > 0.9
    assert "line 9 of its module adds to it, in orders()" in found.evidence.reasons


@pytest.mark.parametrize(
    ("facts", "is_leak"),
    [
        ({"library": "redis 6.4", "entry_bytes": 130}, False),
        ({"library": "redis 6.4", "entry_bytes": 250}, True),
        ({"library": "redis 6.4", "entry_bytes": 130, "weight": 4_000}, True),
        ({"library": "redis 6.4", "entry_bytes": 130, "weight": 800}, False),
        ({"library": "redis 6.4", "entry_bytes": 0}, True),
        ({"library": "python 3.11.7", "entry_bytes": 130}, True),
        ({"library": "", "entry_bytes": 60}, True),
        ({"name": "celery._pending_results", "library": "celery 5.5", "entry_bytes": 130}, True),
    ],
)
def test_a_trifle_of_a_library_is_reported_as_no_leak(
    facts: dict[str, Any],
    is_leak: bool,  # noqa: FBT001
) -> None:
    found = next(
        one for one in diagnose_holder(gain_per_request(ORDERS), **facts) if one.holder_name
    )
    assert (found.cause, found.is_leak) == (Cause.GROWING_CONTAINER, is_leak)
    assert found.is_slight is not is_leak


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ("dict", Cause.GROWING_CONTAINER),
        ("int: shop.errors.OutOfStock", Cause.GROWING_CONTAINER),
        ("builtins.ValueError", Cause.KEPT_EXCEPTION),
        ("subprocess.Popen", Cause.OUTSIDE_WORKERS),
        ("multiprocessing.context.Process", Cause.OUTSIDE_WORKERS),
        ("threading.Thread", Cause.MADE_PER_REQUEST),
        ("str: httpx.Client", Cause.MADE_PER_REQUEST),
        ("function", Cause.HANDLERS_PER_REQUEST),
    ],
)
def test_the_type_of_an_entry_decides_the_cause(entry: str, cause: Cause) -> None:
    assert only_diagnosis(diagnose_holder(gain_per_request(ORDERS), entry=entry)).cause is cause


def test_a_holder_is_named_before_memory_shows_it() -> None:
    assert only_diagnosis(diagnose_holder(gain_per_request(ORDERS))).is_leak


@pytest.mark.parametrize("kind", ["list", "dict", "set", "defaultdict", "mine.Registry"])
def test_whatever_gains_an_entry_with_each_request_is_a_leak(kind: str) -> None:
    assert only_diagnosis(diagnose_holder(gain_per_request(ORDERS), kind=kind)).is_leak


@pytest.mark.parametrize("stock", [40, 300, 700])
@pytest.mark.parametrize("kind", ["dict", "set", "lru_cache", "Counter"])
def test_a_holder_of_a_finite_set_of_keys_is_no_leak(kind: str, stock: int) -> None:
    found = diagnose_holder(
        keys_from_stock(stock), kind=kind, entry="str: int", growing=True, number=80
    )
    assert not [it for it in found if it.is_leak]


def test_a_holder_that_meets_ever_fewer_new_keys_slows_down() -> None:
    found = diagnose_holder(keys_from_stock(900), kind="dict", growing=True, number=80)
    assert [it.cause for it in found] == [Cause.BOUNDED]
    assert found[0].evidence.reasons[0].count("shop.views.log holds") == 1
    assert "slows down" in found[0].evidence.reasons[0]


def test_a_cache_with_a_bound_stops_there() -> None:
    found = only_diagnosis(
        diagnose_holder(gain_per_request(ORDERS), kind="lru_cache", bound=5_000, growing=True)
    )
    assert (found.cause, found.is_leak) == (Cause.BOUNDED, False)
    assert found.bound_bytes == 5_000 * 800
    assert "of at most 5,000 entries" in found.evidence.reasons[0]


def test_a_cache_without_a_bound_is_a_leak() -> None:
    found = only_diagnosis(
        diagnose_holder(gain_per_request(ORDERS), kind="lru_cache", bound=None, growing=True)
    )
    assert (found.cause, found.is_leak) == (Cause.UNBOUNDED_CACHE, True)


def test_a_container_that_outgrew_its_bound_is_a_leak() -> None:
    assert only_diagnosis(diagnose_holder(gain_per_request(ORDERS), bound=50)).is_leak


def test_a_bound_that_only_the_source_shows_counts() -> None:
    text = "MOST = 5_000\nlog = []\ndef orders():\n    if len(log) < MOST:\n        log.append(1)\n"
    lives = worker_history(
        {"shop.views.log": gain_per_request(ORDERS)}, memory=gain_per_request(ORDERS, 800)
    )
    evidence = leak_evidence(lives, holders=(holder(),), sources=(source(text),))
    assert only_diagnosis(diagnose(evidence, [1])).cause is Cause.BOUNDED


def test_endpoints_that_always_come_together_are_not_separated() -> None:
    dice = random.Random(3)

    def pairs(_: int) -> dict[str, int]:
        number = dice.randint(10, 30)
        return {ORDERS: number, HOME: number}

    found = only_diagnosis(diagnose_holder(gain_per_request(ORDERS), traffic=pairs))
    assert (found.cause, found.attribution.endpoint) == (Cause.GROWING_CONTAINER, None)
    assert found.attribution.shares[0].together
    assert "come apart" in found.evidence.falsifiers[1]


def test_failing_requests_alone_may_drive_a_growth() -> None:
    dice = random.Random(5)

    def fails(_: int) -> dict[str, int]:
        return {ORDERS: dice.randint(0, 9)}

    found = only_diagnosis(
        diagnose_holder(gain_per_request(ORDERS, failing=True), fails=fails, number=80)
    )
    assert found.attribution.endpoint == ORDERS
    assert found.attribution.shares[0].failing
    assert found.holder is not None
    assert found.holder.entries_per_request == pytest.approx(1.0)


def test_an_endpoint_is_named_although_every_third_of_its_requests_fails() -> None:
    dice = random.Random(5)

    def orders(_: int) -> dict[str, int]:
        return {ORDERS: 30, HOME: dice.randint(10, 50)}

    found = only_diagnosis(
        diagnose_holder(gain_per_request(ORDERS), traffic=orders, fails=lambda _: {ORDERS: 10})
    )
    assert found.attribution.endpoint == ORDERS
    assert (found.attribution.shares[0].failing, found.attribution.shares[0].together) == (
        False,
        (),
    )
    assert found.holder is not None
    assert found.holder.entries_per_request == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["connection", "thread", "survivor", "engine"])
def test_sixty_requests_are_enough_for_a_resource_that_few_requests_create(kind: str) -> None:
    few: dict[str, Any] = {"traffic": lambda _: {ORDERS: 4}, "number": 15}
    assert only_diagnosis(diagnose_holder(gain_per_request(ORDERS), kind=kind, **few)).is_leak
    assert diagnose_holder(gain_per_request(ORDERS), kind="list", **few) == ()


def test_threads_represent_the_containers_that_grow_with_them() -> None:
    started = holder("threads started at shop/views.py:9", "thread", site="shop/views.py:9")
    dangling = holder("threading._dangling", "WeakSet", file="/usr/lib/threading.py")
    limbo = holder("threading._active", "dict", file="/usr/lib/threading.py")
    lives = worker_history(
        {name.name: gain_per_request(ORDERS) for name in (started, dangling, limbo)},
        threads=gain_per_request(ORDERS),
    )
    found = only_diagnosis(diagnose(leak_evidence(lives, holders=(started, dangling, limbo)), []))
    assert (found.cause, found.holder_name) == (Cause.THREADS, started.name)
    assert "with it grows threading._active" in found.evidence.reasons


def test_a_light_holder_next_to_a_heavy_one_of_the_same_requests_is_not_reported() -> None:
    light = holder("shop.views.ids", "set", entry_bytes=30)
    heavy = holder("shop.views.bodies", entry_bytes=10_000)
    lives = worker_history(
        {light.name: gain_per_request(ORDERS, 2.5), heavy.name: gain_per_request(ORDERS)}
    )
    assert (
        only_diagnosis(diagnose(leak_evidence(lives, holders=(light, heavy)), [])).holder_name
        == heavy.name
    )


def test_holders_that_different_endpoints_drive_are_two_leaks() -> None:
    left, right = holder("shop.views.left"), holder("shop.views.right")
    lives = worker_history(
        {left.name: gain_per_request(ORDERS), right.name: gain_per_request(HOME)}
    )
    found = diagnose(leak_evidence(lives, holders=(left, right)), [])
    assert {(it.holder_name, it.attribution.endpoint) for it in found} == {
        (left.name, ORDERS),
        (right.name, HOME),
    }


def test_what_survives_with_the_collector_off_is_a_matter_of_cycles() -> None:
    held = holder("requests alive after they ended", "survivor")
    lives = worker_history({held.name: gain_per_request(ORDERS)}, facts={"gc_enabled": 0})
    assert only_diagnosis(diagnose(leak_evidence(lives, holders=(held,)), [])).cause is Cause.CYCLES


def test_a_large_body_in_one_piece_is_wasteful_and_no_leak() -> None:
    whole = EndpointResponses(
        responses=40, streamed=0, max_bytes=50_000_000, max_whole_bytes=50_000_000
    )
    found = only_diagnosis(
        diagnose(leak_evidence(worker_history(), responses={"GET /export": whole}), [])
    )
    assert (found.cause, found.is_leak) == (Cause.BUFFERED_RESPONSE, False)
    assert found.attribution.endpoint == "GET /export"


def test_without_evidence_nothing_is_called_a_leak() -> None:
    found = only_diagnosis(
        diagnose(leak_evidence(worker_history(memory=gain_per_request(ORDERS, 5_000))), [1])
    )
    assert (found.cause, found.is_leak) == (Cause.UNKNOWN, False)
