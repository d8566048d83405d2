"""Log records that become events and breadcrumbs."""

import logging
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest
from tests.support.fake_agent import FakeAgent

from bugsly.integrations.logging_hook import LoggingErrorHook
from bugsly.probes.errors import timed_texts

DEPTHS: dict[str, int] = {}


@pytest.fixture
def fake() -> Iterator[FakeAgent]:
    made = FakeAgent()
    records = LoggingErrorHook(made)
    records.install()
    yield made
    records.remove()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> logging.Logger:
    caplog.set_level(logging.DEBUG, "shop")
    return logging.getLogger("shop")


def crumbs(fake: FakeAgent) -> list[tuple[str, str]]:
    scope = fake.error_reporter.scopes.find()
    return [] if scope is None else [(one.level, one.message) for one in scope.crumbs]


def test_an_error_without_an_exception_is_a_message(fake: FakeAgent, log: logging.Logger) -> None:
    log.error("order %d is lost", 7)
    (captured,) = fake.error_capture.encoded_events
    assert captured["logentry"] == {"message": "order %d is lost", "formatted": "order 7 is lost"}
    assert (captured["level"], captured["logger"]) == ("error", "shop")
    assert "test_logging_hook.py:" in captured["contexts"]["bugsly"]["where"]
    assert "exception" not in captured


def test_an_error_with_an_exception_is_that_exception(fake: FakeAgent, log: logging.Logger) -> None:
    try:
        DEPTHS["x"]
    except KeyError:
        log.critical("cannot go on", exc_info=True)
        log.exception("again")
    (captured,) = fake.error_capture.encoded_events
    assert captured["exception"]["values"][0]["type"] == "KeyError"
    assert captured["logentry"] == {"formatted": "cannot go on"}
    assert captured["level"] == "fatal"


def test_an_exception_logged_as_the_message_is_that_exception(
    fake: FakeAgent, log: logging.Logger
) -> None:
    log.error(OSError("the disk is full"))
    (captured,) = fake.error_capture.encoded_events
    assert captured["exception"]["values"][0]["value"] == "the disk is full"


def test_what_is_logged_before_is_a_breadcrumb(fake: FakeAgent, log: logging.Logger) -> None:
    log.debug("not worth it")
    log.info("one")
    log.warning("two %s", "2")
    log.error("three")
    (captured,) = fake.error_capture.encoded_events
    assert [one["message"] for one in captured["breadcrumbs"]["values"]] == ["one", "two 2"]
    assert crumbs(fake) == [("info", "one"), ("warning", "two 2"), ("error", "three")]


@pytest.mark.parametrize("name", ["bugsly", "bugsly.sender", "gunicorn.access", "werkzeug"])
def test_records_of_the_agent_and_access_logs_are_ignored(name: str, fake: FakeAgent) -> None:
    logging.getLogger(name).error("hello")
    assert fake.error_capture.encoded_events == []
    assert crumbs(fake) == []


class LoggingRepr:
    """Logs a message whenever its text is read."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log

    def __str__(self) -> str:
        self._log.error("%s", self)
        return "text"


def test_what_is_logged_while_a_message_is_formatted_is_ignored(
    fake: FakeAgent, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(log, "handlers", [logging.NullHandler()])
    log.error("%s", LoggingRepr(log))
    (captured,) = fake.error_capture.encoded_events
    assert captured["logentry"]["formatted"] == "text"


@pytest.mark.parametrize("arguments", [("%d", "x"), ("%s %s", 1), ("%s", b"\xff"), (None,), (7,)])
def test_a_record_that_cannot_be_formatted_is_captured_as_far_as_possible(
    arguments: Any, fake: FakeAgent, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(log, "handlers", [logging.NullHandler()])
    log.error(*arguments)
    assert len(fake.error_capture.encoded_events) == 1


def test_a_record_of_another_factory_is_not_changed() -> None:
    class Record(logging.LogRecord):
        pass

    before = logging.getLogRecordFactory()
    logging.setLogRecordFactory(Record)
    records = LoggingErrorHook(FakeAgent())
    records.install()
    assert type(logging.makeLogRecord({"msg": "over the wire"})) is Record
    records.remove()
    assert logging.getLogRecordFactory() is Record
    logging.setLogRecordFactory(before)


def test_a_factory_set_after_the_agents_is_not_removed() -> None:
    before = logging.getLogRecordFactory()
    records = LoggingErrorHook(FakeAgent())
    records.install()
    logging.setLogRecordFactory(logging.LogRecord)
    records.remove()
    assert logging.getLogRecordFactory() is logging.LogRecord
    logging.setLogRecordFactory(before)


def test_handlers_are_not_changed(fake: FakeAgent) -> None:
    assert fake.error_capture.encoded_events == []
    assert not any("bugsly" in type(one).__module__ for one in logging.getLogger().handlers)


class Order:
    """Counts how often its text is made."""

    def __init__(self) -> None:
        self.readings = 0

    def __str__(self) -> str:
        self.readings += 1
        return "order 7"


class State(Enum):
    PAID = 1


class Name(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise AssertionError("not to be called")


def test_a_breadcrumb_names_a_value_by_its_type_and_runs_no_code_of_the_application(
    fake: FakeAgent, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(log, "handlers", [logging.NullHandler()])
    order = Order()
    log.info("%s is %s by %s", order, State.PAID, Name("Ada"))
    log.info("%(order)r", {"order": order})
    log.info(order)
    named = f"<{__name__}.Order>"
    assert crumbs(fake) == [
        ("info", f"{named} is State.PAID by Ada"),
        ("info", named),
        ("info", named),
    ]
    assert order.readings == 0


def test_an_error_has_the_text_of_its_values_once_it_is_admitted(
    fake: FakeAgent, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(log, "handlers", [logging.NullHandler()])
    order = Order()
    for _ in range(50):
        log.error("%s is lost", order)
    captured = fake.error_capture.encoded_events
    assert captured[0]["logentry"]["formatted"] == "order 7 is lost"
    assert order.readings == len(captured) < 50


def test_an_error_whose_text_hangs_says_what_it_can(
    fake: FakeAgent, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "propagate", False)
    monkeypatch.setattr(log, "handlers", [logging.NullHandler()])
    monkeypatch.setattr(timed_texts, "MAX_READINGS", 0)
    log.error("%s is lost", Order())
    (captured,) = fake.error_capture.encoded_events
    formatted = f"<{__name__}.Order> is lost {timed_texts.NOT_STARTED}"
    assert captured["logentry"]["formatted"] == formatted


class BraceRecord(logging.LogRecord):
    def getMessage(self) -> str:  # noqa: N802 - the name that logging gave it
        return str(self.msg).format(*(self.args or ()))


def test_a_record_of_another_class_formats_itself(log: logging.Logger) -> None:
    before, fake = logging.getLogRecordFactory(), FakeAgent()
    logging.setLogRecordFactory(BraceRecord)
    records = LoggingErrorHook(fake)
    records.install()
    try:
        log.error("order {} is lost", 7)  # noqa: PLE1205 - the record has a format of its own
    finally:
        records.remove()
        logging.setLogRecordFactory(before)
    (captured,) = fake.error_capture.encoded_events
    assert captured["logentry"]["formatted"] == "order 7 is lost"
