"""Values formatted as Python would, without running the application's code."""

import collections
import datetime as dt
import decimal
import enum
import types
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.local import LocalProxy

from bugsly.probes.errors.safe_repr import ELLIPSIS, MAX_VARIABLE_LENGTH, SafeRepr

RAN: list[str] = []


def ran(*_args: object) -> NoReturn:
    RAN.append("code of the application")
    raise RuntimeError


class Colour(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    ONE = 1


class Order:
    def __init__(self, **fields: object) -> None:
        object.__getattribute__(self, "__dict__").update(fields)


class Slotted:
    __slots__ = ("empty", "full")

    def __init__(self) -> None:
        self.full = 1


class Hostile(Order):
    __repr__ = __str__ = __len__ = __hash__ = __bool__ = __getattr__ = __format__ = ran

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        ran()

    def __getattribute__(self, name: str) -> object:
        ran()


class HostileDict(dict[Any, Any]):
    __repr__ = __iter__ = __len__ = __getitem__ = __contains__ = items = keys = ran


class HostileText(str):
    __slots__ = ()
    __repr__ = __str__ = __len__ = __getitem__ = __hash__ = __eq__ = startswith = ran


class HostileZone(dt.tzinfo):
    __repr__ = utcoffset = dst = tzname = ran


class HostileKind(type):
    __name__ = __module__ = __mro__ = property(ran)
    __repr__ = __getattribute__ = __instancecheck__ = __subclasscheck__ = ran


HOSTILE_KIND = HostileKind("Kind", (), {"__module__": __name__})
HERE = __name__


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (True, "True"),
        (-7, "-7"),
        (1.5, "1.5"),
        ("käse", "'käse'"),
        ("\ud800", "'\\ud800'"),
        (b"\0", "b'\\x00'"),
        ([1, ["a"]], "[1, ['a']]"),
        ((1,), "(1,)"),
        ((), "()"),
        ({}, "{}"),
        ({1: 2}, "{1: 2}"),
        ({1}, "{1}"),
        (frozenset({1}), "frozenset({1})"),
        (collections.deque([1]), "deque([1])"),
        (collections.OrderedDict(a=1), "collections.OrderedDict({'a': 1})"),
        (range(3), "range(0, 3)"),
        (Colour.RED, "Colour.RED"),
        (Number.ONE, "Number.ONE"),
        (decimal.Decimal("1.50"), "Decimal('1.50')"),
        (dt.date(2026, 11, 25), "datetime.date(2026, 11, 25)"),
        (10**1000, "<int of 3322 bits>"),
        (len, "<builtin_function_or_method len>"),
        (ran, f"<function {HERE}.ran>"),
        (Order, f"<class '{HERE}.Order'>"),
        (collections, "<module 'collections'>"),
        (ValueError("x", 3), "ValueError('x', 3)"),
        (Order(id=7, _seen=1), f"{HERE}.Order(id=7)"),
        (Order(), f"<{HERE}.Order object>"),
        (Slotted(), f"{HERE}.Slotted(full=1)"),
        (types.SimpleNamespace(a=1), "types.SimpleNamespace(a=1)"),
    ],
    ids=lambda shown: shown if isinstance(shown, str) else type(shown).__name__,
)
def test_a_value_is_formatted_as_python_writes_it(value: object, text: str) -> None:
    assert SafeRepr().format_value(value) == text


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Hostile(id=7), f"{HERE}.Hostile(id=7)"),
        (lambda: HostileDict({1: 2}), f"{HERE}.HostileDict({{1: 2}})"),
        (lambda: HostileText("abc"), "'abc'"),
        (lambda: [Hostile(id=7)], f"[{HERE}.Hostile(id=7)]"),
        (lambda: {1: HostileText("a")}, "{1: 'a'}"),
        (
            lambda: dt.datetime(2026, 1, 1, tzinfo=HostileZone()),
            f"datetime.datetime(2026, 1, 1, 0, 0, tzinfo=<{HERE}.HostileZone>)",
        ),
        (HOSTILE_KIND, f"<{HERE}.Kind object>"),
        (lambda: LocalProxy(ran), "<werkzeug.local.LocalProxy object>"),
    ],
    ids=["object", "dict", "str", "inside", "value", "time zone", "metaclass", "proxy"],
)
def test_no_code_of_the_application_is_run(make: Callable[[], object], text: str) -> None:
    value = make()
    RAN.clear()
    assert SafeRepr().format_value(value) == text
    assert RAN == []


def test_what_contains_itself_is_shown_once() -> None:
    line: list[object] = [1]
    line.append(line)
    order = Order(id=7)
    order.line = {"order": order}  # type: ignore[attr-defined]
    assert SafeRepr().format_value(line) == "[1, <list that holds itself>]"
    assert SafeRepr().format_value(order) == (
        f"{HERE}.Order(id=7, line={{'order': <{HERE}.Order that holds itself>}})"
    )


@pytest.mark.parametrize(
    ("make", "ending"),
    [
        (lambda: "x" * 10_000_000, "…' (10000000 in all)"),
        (lambda: b"x" * 10_000_000, "…' (10000000 in all)"),
        (lambda: [0] * 10_000_000, "0, … 10000000 in all]"),
        (lambda: dict.fromkeys(range(100_000)), "19: None, … 100000 in all}"),
    ],
    ids=["str", "bytes", "list", "dict"],
)
def test_a_large_value_is_cut_and_marked(make: Callable[[], object], ending: str) -> None:
    value = make()
    text = SafeRepr().format_value(value)
    assert text.endswith(ending)
    assert len(text) < MAX_VARIABLE_LENGTH + 100


def test_a_wide_and_nested_value_takes_no_time() -> None:
    value: object = []
    for _ in range(6):
        value = [value] * 100
    show = SafeRepr(seconds=60)
    assert len(show.format_value(value)) <= MAX_VARIABLE_LENGTH + 1


def test_a_deeply_nested_value_is_cut() -> None:
    value: object = 1
    for _ in range(100_000):
        value = [value]
    assert SafeRepr().format_value(value) == "[[[[<list>]]]]"


def test_variables_with_names_of_secrets_are_redacted() -> None:
    shown = SafeRepr().format_variables(
        {
            "api_key": "k",
            "config": {"DB_PASSWORD": "p", "name": "n"},
            "user": Order(token="t", id=7),
            "__builtins__": {},
        }
    )
    assert shown == {
        "api_key": "[redacted]",
        "config": "{'DB_PASSWORD': [redacted], 'name': 'n'}",
        "user": f"{HERE}.Order(token=[redacted], id=7)",
    }


def test_all_values_of_an_event_share_one_limit() -> None:
    show = SafeRepr(max_length=1_500)
    shown = [show.format_value("x" * 900) for _ in range(4)]
    assert [text == ELLIPSIS for text in shown] == [False, False, True, True]


def test_a_value_is_not_shown_when_the_time_is_used_up() -> None:
    assert SafeRepr(seconds=-1).format_value([1]) == ELLIPSIS


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(max_size=9), inner) | st.tuples(inner, inner)
    ),
    max_leaves=60,
)


@given(VALUES)
def test_no_value_is_longer_than_the_limit(value: object) -> None:
    assert len(SafeRepr().format_value(value)) <= MAX_VARIABLE_LENGTH + 1
