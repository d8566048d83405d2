"""Turns values into text without running a line of the application's code.

No `__repr__` is called but those of Python's own types: it could block, raise, or change what it
tells of. Other objects are shown by the attributes they keep: `shop.models.Order(id=7)`.
"""

from __future__ import annotations

import sys
from collections import deque
from enum import Enum
from itertools import islice
from time import thread_time
from types import (
    BuiltinFunctionType,
    FunctionType,
    GeneratorType,
    MethodType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any

from bugsly.guard import answer_of
from bugsly.own import callee_of
from bugsly.probes.census import raw
from bugsly.redact import GONE, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOM = 60_000
"""Characters that the values of one event may take."""
SECONDS = 0.02
"""Time of its thread they may take; nothing of the application's is run that could wait."""
LONGEST = 1_000
"""Characters of one value."""
LONGEST_TEXT = 900
"""Characters of a text that are shown of it."""
LONGEST_PART = 200
"""Characters of a text inside of another value."""
DEEPEST = 4
WIDEST = 20
"""Entries of a container, attributes of an object."""
MOST_NAMES = 40
"""Variables of one frame."""
WIDEST_INT = 2_000
"""Bits of a number that is written out."""
MORE = "…"
PLAIN = frozenset({type(None), float, complex, range, type(...), type(NotImplemented)})
TEXTS = (str, bytes, bytearray)
CALLABLES = frozenset({FunctionType, BuiltinFunctionType, MethodType, GeneratorType})
LIBRARY = ("datetime", "decimal", "uuid", "fractions", "pathlib", "ipaddress", "zoneinfo")
"""Modules whose types have a `__repr__` that asks nobody else."""
BRACKETS: tuple[tuple[type, str, str], ...] = (
    (list, "[", "]"),
    (tuple, "(", ")"),
    (set, "{", "}"),
    (frozenset, "frozenset({", "})"),
    (deque, "deque([", "])"),
)


class Show:
    """Writes values down until the room or the time of one event is used up."""

    def __init__(self, room: int = ROOM, seconds: float = SECONDS) -> None:
        self.room = room
        self._until = thread_time() + seconds
        self._left = 0
        self._open: set[int] = set()

    def variables(self, names: Mapping[str, object]) -> dict[str, str]:
        """Return the text of each variable, those with names of secrets left out."""
        chosen = islice(dict.items(names if type(names) is dict else dict(names)), MOST_NAMES)
        return {
            name: GONE if is_secret_name(name) else self.value(value)
            for name, value in list(chosen)
            if type(name) is str and not name.startswith("__")
        }

    def value(self, value: object) -> str:
        """Return the text of *value*, as Python would write it where that is possible."""
        if self.room <= 0 or thread_time() > self._until:
            return MORE
        self._left = LONGEST
        self._open.clear()
        text = answer_of(lambda: self._text(value, 0), f"<{raw.full_name(type(value))}>")[
            : LONGEST + 1
        ]
        self.room -= len(text)
        return text

    def _text(self, value: Any, depth: int) -> str:
        if self._left <= 0:
            return MORE
        text = self._leaf(value, type(value), LONGEST_PART if depth else LONGEST_TEXT)
        if text is None:
            text = self._compound(value, depth)
        else:
            self._left -= len(text)
        return text

    def _leaf(self, value: Any, kind: type, most: int) -> str | None:
        """Return the text of what holds nothing else, None of what does."""
        if issubclass(kind, TEXTS):
            return _string(value, most)
        if issubclass(kind, (Enum, int)):
            return _constant(value, kind)
        if issubclass(kind, (type, ModuleType)) or kind in CALLABLES:
            return _definition(value, kind)
        return repr(value) if kind in PLAIN else _of_library(value, kind)

    def _compound(self, value: Any, depth: int) -> str:
        name = raw.full_name(type(value))
        if id(value) in self._open:
            return f"<{name} that holds itself>"
        if depth >= DEEPEST:
            return f"<{name}>"
        self._left -= 2
        self._open.add(id(value))
        text = self._entries(value, depth)
        self._open.discard(id(value))
        return text

    def _entries(self, value: Any, depth: int) -> str:
        kind = type(value)
        if issubclass(kind, dict):
            pairs = list(islice(dict.items(value), WIDEST + 1))
            return _named(
                kind, dict, f"{{{self._pairs(pairs, depth, len_of=dict.__len__(value))}}}"
            )
        for base, opening, closing in BRACKETS:
            if issubclass(kind, base):
                return _named(kind, base, opening + self._parts(value, base, depth) + closing)
        if issubclass(kind, BaseException):
            args = BaseException.__dict__["args"].__get__(value)
            return f"{raw.full_name(kind)}({self._parts(args, tuple, depth)})"
        named = islice(_attributes(value).items(), WIDEST)
        shown = [
            f"{name}={GONE if is_secret_name(name) else self._text(one, depth + 1)}"
            for name, one in list(named)
            if type(name) is str and not name.startswith("_")
        ]
        full = raw.full_name(kind)
        return f"{full}({', '.join(shown)})" if shown else f"<{full} object>"

    def _pairs(self, pairs: list[tuple[Any, Any]], depth: int, len_of: int) -> str:
        shown = []
        for key, one in pairs[:WIDEST]:
            secret = type(key) is str and is_secret_name(key)
            shown.append(
                f"{self._text(key, depth + 1)}: {GONE if secret else self._text(one, depth + 1)}"
            )
        return ", ".join([*shown, *_rest(len_of)])

    def _parts(self, value: Any, base: Any, depth: int) -> str:
        parts: Iterable[Any] = base.__iter__(value)
        shown = [self._text(one, depth + 1) for one in list(islice(parts, WIDEST))]
        length = base.__len__(value)
        comma = "," if base is tuple and length == 1 else ""
        return ", ".join([*shown, *_rest(length)]) + comma


def _rest(length: int) -> list[str]:
    return [f"{MORE} {length} in all"] if length > WIDEST else []


def _named(kind: type, base: type, text: str) -> str:
    return text if kind is base else f"{raw.full_name(kind)}({text})"


def _string(value: Any, most: int) -> str:
    base: Any = next(one for one in TEXTS if issubclass(type(value), one))
    length = base.__len__(value)
    text = repr(base.__getitem__(value, slice(most)))
    return text if length <= most else f"{text[:-1]}{MORE}{text[-1]} ({length} in all)"


def _attributes(value: object) -> dict[Any, Any]:
    """Return what *value* keeps in its dictionary and its slots."""
    kind = type(value)
    read = raw.dict_getter(kind)
    found = read(value) if read is not None else {}
    kept = dict(islice(dict.items(found), WIDEST * 2)) if issubclass(type(found), dict) else {}
    for name, getter in raw.slot_getters(kind):
        slot = answer_of(lambda getter=getter: getter(value), _UNSET)  # type: ignore[misc]
        if slot is not _UNSET:
            kept[name] = slot
    return kept


_UNSET = object()


def _constant(value: Any, kind: type) -> str:
    if issubclass(kind, Enum):
        return f"{raw.name_of(kind)}.{_attributes(value).get('_name_', '?')}"
    if kind is bool:
        return repr(value)
    bits = int.bit_length(value)
    return int.__repr__(value) if bits <= WIDEST_INT else f"<int of {bits} bits>"


def _definition(value: Any, kind: type) -> str:
    if issubclass(kind, type):
        return f"<class '{raw.full_name(value)}'>"
    if issubclass(kind, ModuleType):
        return f"<module '{raw.module_dict(value).get('__name__', '?')}'>"
    name = callee_of(value).name if kind in {FunctionType, MethodType} else value.__qualname__
    return f"<{kind.__name__} {name}>"


def _of_library(value: Any, kind: type) -> str | None:
    """Return the text of a date, a decimal and the like, None of anything else."""
    module = raw.module_of(kind).partition(".")[0]
    known = sys.modules.get(module)
    if module not in LIBRARY or known is None:
        return None
    if raw.module_dict(known).get(raw.name_of(kind)) is not kind:
        return None
    zone = getattr(value, "tzinfo", None)
    if zone is None or raw.module_of(type(zone)) in LIBRARY:
        return repr(value)[:LONGEST]
    return f"{repr(value.replace(tzinfo=None))[:-1]}, tzinfo=<{raw.full_name(type(zone))}>)"
