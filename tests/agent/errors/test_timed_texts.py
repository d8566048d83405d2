"""Texts that the application's code makes, and how long anybody waits for them."""

import errno
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask, request
from tests.support.captured_errors import ErrorCapture
from tests.support.wait import wait_until

from bugsly.introspection.builtin_text import has_builtin_text
from bugsly.probes.errors import timed_texts
from bugsly.probes.errors.timed_texts import NOT_STARTED, STILL_RUNNING, TOO_SLOW


class Hanging(Exception):
    """Has no text until it is released."""

    released = threading.Event()

    def __str__(self) -> str:
        self.released.wait()
        return "at last"


class Talkative(Exception):
    def __str__(self) -> str:
        return f"on {request.path}"


class Other(Exception):
    def __str__(self) -> str:
        return "other"


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    Hanging.released.clear()
    yield
    Hanging.released.set()
    wait_until(lambda: not _text_threads(), what="no text is made any more")


def _text_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "bugsly-text"]


def raising(error: Exception, cause: Exception | None = None) -> Callable[[], None]:
    def fail() -> None:
        raise error from cause

    return fail


def value(captured: dict[str, Any], index: int = -1) -> str:
    return str(captured["exception"]["values"][index]["value"])


def capture_hanging(capture: ErrorCapture, cause: Exception | None = None) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timed_texts, "MAX_WAIT_SECONDS", 0.01)
        return capture.capture(raising(Hanging(), cause))


def test_an_exception_whose_text_hangs_is_captured_without_it() -> None:
    assert value(capture_hanging(ErrorCapture())) == TOO_SLOW


def test_a_text_that_still_hangs_is_not_asked_for_again() -> None:
    capture = ErrorCapture()
    capture_hanging(capture)
    assert value(capture.capture(raising(Hanging()))) == STILL_RUNNING
    assert len(_text_threads()) == 1


def test_other_texts_are_made_while_one_hangs() -> None:
    capture = ErrorCapture()
    capture_hanging(capture)
    assert value(capture.capture(raising(Other()))) == "other"
    captured = capture.capture(raising(ValueError("plain"), Other()))
    assert (value(captured), value(captured, 0)) == ("plain", "other")


def test_a_class_that_answers_again_is_asked_again() -> None:
    capture = ErrorCapture()
    capture_hanging(capture)
    Hanging.released.set()
    wait_until(lambda: not _text_threads(), what="the text is made")
    assert value(capture.capture(raising(Hanging()))) == "at last"


def test_the_causes_of_a_hanging_exception_keep_their_plain_texts() -> None:
    captured = capture_hanging(ErrorCapture(), KeyError("plain"))
    assert (value(captured), value(captured, 0)) == (TOO_SLOW, "'plain'")


def test_a_text_may_read_the_request() -> None:
    with Flask(__name__).test_request_context("/basket"):
        assert value(ErrorCapture().capture(raising(Talkative()))) == "on /basket"


def test_no_more_than_so_many_texts_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timed_texts, "MAX_READINGS", 1)
    capture = ErrorCapture()
    capture_hanging(capture)
    assert value(capture.capture(raising(Other()))) == NOT_STARTED


def test_a_process_without_a_thread_to_spare_still_reports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert value(ErrorCapture().capture(raising(Other()))) == NOT_STARTED


class Slow:
    def __str__(self) -> str:
        raise AssertionError("not to be called")

    __repr__ = __str__


class OwnText(ValueError):
    __str__ = Slow.__str__


class PlainKind(ValueError):
    pass


def with_file_name(name: object) -> OSError:
    error = OSError(errno.ENOENT, "no such file")
    error.filename = name
    return error


@pytest.mark.parametrize(
    "thing",
    [
        "x",
        None,
        10**20,
        UUID(int=7),
        {"a": [1, (2.5, b"x")]},
        ValueError("x", 3),
        PlainKind("x"),
        KeyError(("a", 1)),
        with_file_name("a.txt"),
        ValueError(KeyError("x")),
    ],
)
def test_values_of_pythons_own_are_put_into_words_at_once(thing: object) -> None:
    assert has_builtin_text(thing)


@pytest.mark.parametrize(
    "thing",
    [
        Slow(),
        [Slow()],
        {Slow(): 1},
        {"a": Slow()},
        ValueError(Slow()),
        KeyError([Slow()]),
        with_file_name(Slow()),
        OwnText("x"),
        list(range(1_000)),
        [[[[[[]]]]]],
    ],
)
def test_what_may_run_other_code_or_take_long_is_not(thing: object) -> None:
    assert not has_builtin_text(thing)
