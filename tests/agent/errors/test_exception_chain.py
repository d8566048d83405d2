"""Exceptions with their causes and groups, numbered as Sentry's clients do."""

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from tests.support.captured_errors import ErrorCapture, exception_of

from bugsly.probes.errors.exception_chain import MAX_EXCEPTIONS, exceptions_of
from bugsly.probes.errors.frames import MAX_FRAMES
from bugsly.probes.errors.timed_texts import TEXT_FAILED, TimedTexts

EMPTY: dict[str, int] = {}


def cause() -> None:
    try:
        EMPTY["x"]
    except KeyError as error:
        raise ValueError("caused") from error


def context() -> None:
    try:
        EMPTY["x"]
    except KeyError:
        raise ValueError("in its course")  # noqa: B904 - meant


def suppressed() -> None:
    try:
        EMPTY["x"]
    except KeyError:
        raise ValueError("alone") from None


def group() -> NoReturn:
    raise BaseExceptionGroup(
        "two", [exception_of(cause), ExceptionGroup("inner", [OSError("disk")])]
    )


def circle() -> NoReturn:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    raise first


def endless() -> NoReturn:
    error = ValueError("0")
    for number in range(50):
        outer = ValueError(str(number))
        outer.__cause__ = error
        error = outer
    raise error


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        (cause, [("ValueError", None, ""), ("KeyError", 0, "__cause__")]),
        (context, [("ValueError", None, ""), ("KeyError", 0, "__context__")]),
        (suppressed, [("ValueError", None, "")]),
        (
            group,
            [
                ("ExceptionGroup", None, ""),
                ("ValueError", 0, "exceptions[0]"),
                ("ExceptionGroup", 0, "exceptions[1]"),
                ("KeyError", 1, "__cause__"),
                ("OSError", 2, "exceptions[0]"),
            ],
        ),
        (circle, [("ValueError", None, ""), ("ValueError", 0, "__cause__")]),
    ],
)
def test_what_led_to_an_exception_is_captured_with_it(failing: Any, expected: list[Any]) -> None:
    thrown = exceptions_of(exception_of(failing), None, TimedTexts())
    assert [(one.type, one.parent, one.source) for one in thrown] == expected
    assert [one.number for one in thrown] == list(range(len(thrown)))


def test_a_chain_is_cut() -> None:
    assert len(exceptions_of(exception_of(endless), None, TimedTexts())) == MAX_EXCEPTIONS


def test_it_is_written_as_sentry_writes_it() -> None:
    values = ErrorCapture().capture(group)["exception"]["values"]
    assert [one["type"] for one in values] == [
        "OSError",
        "KeyError",
        "ExceptionGroup",
        "ValueError",
        "ExceptionGroup",
    ]
    assert values[-1]["mechanism"] == {
        "type": "test",
        "handled": True,
        "exception_id": 0,
        "is_exception_group": True,
    }
    assert values[0]["mechanism"] == {
        "type": "chained",
        "handled": True,
        "exception_id": 4,
        "parent_id": 2,
        "source": "exceptions[0]",
    }


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class Liar(Exception):
    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError("no class")

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("no attributes")

    def __setattr__(self, name: str, value: Any) -> None:
        raise RuntimeError("no attributes")


class Shell(BaseException):
    __slots__ = ()


@pytest.mark.parametrize(
    ("make", "kind", "value"),
    [
        (lambda: Mute("x"), "Mute", TEXT_FAILED),
        (lambda: Liar("lied"), "Liar", "lied"),
        (lambda: Shell("shell"), "Shell", "shell"),
        (lambda: ValueError(Mute("x")), "ValueError", TEXT_FAILED),
        (
            lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
            "UnicodeDecodeError",
            "'utf-8' codec",
        ),
        (MemoryError, "MemoryError", ""),
        (lambda: ValueError("half \ud800"), "ValueError", "half ?"),
        (lambda: ValueError("x" * 10_000_000), "ValueError", "xxx"),
    ],
)
def test_an_exception_is_captured_whatever_its_class_does(
    make: Callable[[], BaseException], kind: str, value: str
) -> None:
    def fail() -> NoReturn:
        raise make()

    (captured,) = ErrorCapture().capture(fail)["exception"]["values"]
    assert captured["type"] == kind
    assert captured.get("value", "").startswith(value)
    assert len(captured.get("value", "")) <= 4_000


def test_of_many_frames_both_ends_are_captured() -> None:
    def deeper(depth: int) -> int:
        return deeper(depth + 1)

    (exception,) = ErrorCapture().capture(lambda: deeper(0))["exception"]["values"]
    frames = exception["stacktrace"]["frames"]
    assert exception["type"] == "RecursionError"
    assert len(frames) == MAX_FRAMES
    assert [frame["function"].rpartition(".")[2] for frame in frames[:3]] == [
        "exception_of",
        "<lambda>",
        "deeper",
    ]
    assert frames[2]["vars"]["depth"] == "0"
    assert int(frames[-1]["vars"]["depth"]) > sys.getrecursionlimit() - 300
