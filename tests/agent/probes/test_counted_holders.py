"""Counts of what the interpreter and libraries keep in registries."""

import atexit
import enum
import functools
import gc
import logging
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import blinker
import flask
import prometheus_client
import pytest

from bugsly.guard import Guards
from bugsly.probes import cost_throttle
from bugsly.probes.counted_holders import COUNT_READERS, rising_count_probes
from bugsly.probes.rising_counts import MIN_RISE, DescribedCount
from bugsly.protocol.evidence import Holder

HERE = "tests/agent/probes/test_counted_holders.py"
SIGNALS = blinker.Namespace()
PRICED = SIGNALS.signal("priced")
NAMELESS = blinker.Signal()


def counts(register: str) -> dict[str, int]:
    return {name: one.now for name, one in COUNT_READERS[register]().items()}


def describe(register: str, name: str) -> Holder:
    counted: DescribedCount = COUNT_READERS[register]()[name]
    return counted.describe(name)


@pytest.fixture
def ended() -> Iterator[threading.Event]:
    event = threading.Event()
    before = set(threading.enumerate())
    yield event
    event.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)


def poll(event: threading.Event) -> None:
    event.wait(60)


class Poller(threading.Thread):
    def __init__(self, event: threading.Event) -> None:
        super().__init__(daemon=True)
        self.event = event

    def run(self) -> None:
        self.event.wait(60)


def start(**more: Any) -> None:
    threading.Thread(daemon=True, **more).start()


def test_threads_of_the_application_are_named_by_what_they_run(ended: threading.Event) -> None:
    for _ in range(2):
        start(target=poll, args=(ended,))
    start(target=functools.partial(poll, ended), name="other")
    name = f"threads running {__name__}.poll"
    assert counts("threads")[name] == 3
    holder = describe("threads", name)
    assert (holder.kind, holder.file) == ("thread", __file__)
    assert holder.site == f"{HERE}:{poll.__code__.co_firstlineno}"


def test_a_timer_is_named_by_what_it_will_run() -> None:
    timer = threading.Timer(600, poll, args=[threading.Event()])
    timer.start()
    try:
        assert counts("threads")[f"threads running {__name__}.poll"] == 1
    finally:
        timer.cancel()
        timer.join(10)


def test_a_thread_of_a_class_of_the_application_is_named_by_its_run_method(
    ended: threading.Event,
) -> None:
    Poller(ended).start()
    name = f"threads running {__name__}.Poller.run"
    assert counts("threads")[name] == 1
    assert describe("threads", name).site == f"{HERE}:{Poller.run.__code__.co_firstlineno}"


def test_threads_of_a_library_are_named_without_digits(
    ended: threading.Event,
) -> None:
    pools = [ThreadPoolExecutor(1, thread_name_prefix=f"job{number}") for number in range(3)]
    for pool in pools:
        pool.submit(ended.wait)
    name = "threads named job#_# running concurrent.futures.thread._worker"
    assert counts("threads")[name] == 3
    assert describe("threads", name).site == ""
    ended.set()
    for pool in pools:
        pool.shutdown()


def test_the_main_thread_is_not_counted() -> None:
    assert not any("_MainThread" in name for name in counts("threads"))


def test_handlers_are_counted_by_logger() -> None:
    logger = logging.getLogger("shop.audit")
    for _ in range(3):
        logger.addHandler(logging.NullHandler())
    try:
        assert counts("handlers")["handlers of logger 'shop.audit'"] == 3
        holder = describe("handlers", "handlers of logger 'shop.audit'")
        assert (holder.kind, holder.entry) == ("handler", "logging.NullHandler")
    finally:
        logger.handlers.clear()
    assert counts("handlers")["handlers of logger 'shop.audit'"] == 0
    assert "handlers of the root logger" in counts("handlers")


def test_receivers_of_the_applications_signals_are_counted() -> None:
    def remember(_sender: object) -> None:
        """A receiver that only the signal refers to."""

    PRICED.connect(remember, weak=False)
    try:
        assert counts("receivers")["receivers of signal 'priced'"] == 1
        holder = describe("receivers", "receivers of signal 'priced'")
        assert holder.kind == "receiver"
        assert holder.site == f"{HERE}:{remember.__code__.co_firstlineno}"
    finally:
        PRICED.disconnect(remember)


def test_a_signal_without_a_name_is_called_by_its_variable() -> None:
    assert f"receivers of {__name__}.NAMELESS" in counts("receivers")


def test_receivers_of_flasks_signals_are_counted() -> None:
    def remember(_sender: object) -> None:
        """A receiver that lives as long as the test."""

    before = counts("receivers")["receivers of signal 'got-request-exception'"]
    flask.got_request_exception.connect(remember)
    assert counts("receivers")["receivers of signal 'got-request-exception'"] == before + 1
    holder = describe("receivers", "receivers of signal 'got-request-exception'")
    assert holder.entry.endswith("remember")


def test_children_of_a_metric_are_described_by_the_label_with_most_values() -> None:
    metric = prometheus_client.Counter("sold", "Sold things", ["shop", "customer"])
    try:
        for number in range(20):
            metric.labels(f"shop{number % 2}", f"customer{number}").inc()
        assert counts("labels")["children of metric 'sold'"] == 20
        holder = describe("labels", "children of metric 'sold'")
        assert (holder.kind, holder.entry) == ("metric", "label customer")
        assert holder.details == {"labels": 2, "values_seen": 20}
    finally:
        prometheus_client.REGISTRY.unregister(metric)


def test_functions_registered_with_atexit_are_counted() -> None:
    (before,) = counts("callbacks").values()
    atexit.register(gc.isenabled)
    try:
        assert counts("callbacks") == {"functions registered with atexit": before + 1}
    finally:
        atexit.unregister(gc.isenabled)


def test_classes_made_at_run_time_are_counted_by_their_base() -> None:
    name = "subclasses of enum.Enum"
    before = counts("subclasses")[name]
    made = [enum.Enum("Colour", ["RED"])]
    assert counts("subclasses")[name] == before + 1
    holder = describe("subclasses", name)
    assert (holder.kind, holder.entry, holder.file) == (
        "subclass",
        f"{__name__}.Colour",
        enum.__file__,
    )
    made.clear()
    gc.collect()
    assert counts("subclasses")[name] == before


class Quote:
    """A class of the application that others derive from."""


def test_subclasses_of_the_applications_classes_are_counted() -> None:
    made = [type(f"Quote{number}", (Quote,), {}) for number in range(4)]
    assert counts("subclasses")[f"subclasses of {__name__}.Quote"] == len(made)


class Trap(ModuleType):
    """A module whose attributes raise an error."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


class Proxy:
    """An object in a module that claims to be of another class."""

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise AssertionError("asked for its class")


PROXY = Proxy()


@pytest.mark.parametrize("register", COUNT_READERS)
def test_no_code_of_the_application_is_run(register: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trap", Trap("trap"))
    assert PROXY is not None
    counts(register)


@pytest.mark.parametrize("register", ["receivers", "labels"])
def test_without_its_library_nothing_is_counted(
    register: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "blinker")
    monkeypatch.delitem(sys.modules, "prometheus_client")
    assert counts(register) == {}


def test_every_registry_has_a_probe_that_reports_what_rose(
    ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cost_throttle, "CHEAP_SECONDS", 60)
    probe = rising_count_probes(Guards())["threads"]
    assert list(probe.count_holders()) == []
    for _ in range(MIN_RISE):
        start(target=poll, args=(ended,))
    list(probe.count_holders())
    for _ in range(MIN_RISE):
        start(target=poll, args=(ended,))
    assert [(one.holder, one.count) for one in probe.count_holders()] == [
        (f"threads running {__name__}.poll", 2 * MIN_RISE)
    ]
    assert set(rising_count_probes(Guards())) == {*COUNT_READERS, "descriptors", "children"}


class Kinds(type):
    """A metaclass whose attributes raise an error."""

    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError(name)


LIKE_THAT = Kinds("LikeThat", (), {"__module__": __name__})


def test_a_metaclass_is_not_called() -> None:
    below = Kinds("Below", (LIKE_THAT,), {})
    assert counts("subclasses")[f"subclasses of {__name__}.LikeThat"] == 1
    del below
