"""Formats the variables of an event without running the application's code.

It calls the `__repr__` of Python's own types only: others could block, raise, or change the object.
Other objects are shown by their attributes: `shop.models.Order(id=7)`.
"""

from __future__ import annotations

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

from bugsly.app_code import resolve_callee
from bugsly.guard import call_or_default
from bugsly.introspection import type_internals
from bugsly.introspection.builtin_text import has_builtin_text, is_library_value, is_type_among
from bugsly.redact import REDACTED, is_secret_name, says_nothing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_VALUES_LENGTH = 60_000
"""Characters that the values of one event may take."""
MAX_FORMAT_SECONDS = 0.02
"""CPU time that the values of one event may take."""
MAX_VARIABLE_LENGTH = 1_000
"""Characters of one value."""
MAX_TEXT_LENGTH = 900
"""Characters that are shown of a text."""
MAX_NESTED_TEXT_LENGTH = 200
"""Characters that are shown of a text inside another value."""
MAX_DEPTH = 4
MAX_WIDTH = 20
"""Entries of a container, attributes of an object."""
MAX_VARIABLES = 40
"""Variables of one frame."""
MAX_INT_BITS = 2_000
"""Bits of the largest number that is written out."""
ELLIPSIS = "…"
PLAIN_TYPES = (type(None), float, complex, range, type(...), type(NotImplemented))
TEXT_TYPES = (str, bytes, bytearray)
CALLABLE_TYPES = (FunctionType, BuiltinFunctionType, MethodType, GeneratorType)
BRACKETS: tuple[tuple[type, str, str], ...] = (
    (list, "[", "]"),
    (tuple, "(", ")"),
    (set, "{", "}"),
    (frozenset, "frozenset({", "})"),
    (deque, "deque([", "])"),
)


class SafeRepr:
    """Formats values until the characters or the time of one event are used up."""

    def __init__(
        self, max_length: int = MAX_VALUES_LENGTH, seconds: float = MAX_FORMAT_SECONDS
    ) -> None:
        self.remaining_length = max_length
        self._deadline = thread_time() + seconds
        self._remaining_in_value = 0
        self._containing: set[int] = set()

    def format_variables(self, names: Mapping[str, object]) -> dict[str, str]:
        """Return the text of each variable, redacted if its name is that of a secret."""
        variables: Any = names if issubclass(type(names), dict) else dict(names)
        chosen = islice(dict.items(variables), MAX_VARIABLES)
        return {
            name: REDACTED if _is_secret(name, value) else self.format_value(value)
            for name, value in list(chosen)
            if type(name) is str and not name.startswith("__")
        }

    def format_value(self, value: object) -> str:
        """Return the text of *value*, as Python would write it if that is possible."""
        if self.remaining_length <= 0 or thread_time() > self._deadline:
            return ELLIPSIS
        self._remaining_in_value = MAX_VARIABLE_LENGTH
        self._containing.clear()
        text = call_or_default(
            lambda: self._format(value, 0), f"<{type_internals.full_name(type(value))}>"
        )[: MAX_VARIABLE_LENGTH + 1]
        self.remaining_length -= len(text)
        return text

    def _format(self, value: Any, depth: int) -> str:
        if self._remaining_in_value <= 0:
            return ELLIPSIS
        text = format_leaf(value, MAX_NESTED_TEXT_LENGTH if depth else MAX_TEXT_LENGTH)
        if text is None:
            text = self._format_compound(value, depth)
        else:
            self._remaining_in_value -= len(text)
        return text

    def _format_compound(self, value: Any, depth: int) -> str:
        name = type_internals.full_name(type(value))
        if id(value) in self._containing:
            return f"<{name} that holds itself>"
        if depth >= MAX_DEPTH:
            return f"<{name}>"
        self._remaining_in_value -= 2
        self._containing.add(id(value))
        text = self._format_entries(value, depth)
        self._containing.discard(id(value))
        return text

    def _format_entries(self, value: Any, depth: int) -> str:
        kind = type(value)
        if issubclass(kind, dict):
            pairs = list(islice(dict.items(value), MAX_WIDTH + 1))
            return _with_type_name(
                kind, dict, f"{{{self._format_pairs(pairs, depth, len_of=dict.__len__(value))}}}"
            )
        for base, opening, closing in BRACKETS:
            if issubclass(kind, base):
                return _with_type_name(
                    kind, base, opening + self._format_parts(value, base, depth) + closing
                )
        if issubclass(kind, BaseException):
            args = BaseException.__dict__["args"].__get__(value)
            return f"{type_internals.full_name(kind)}({self._format_parts(args, tuple, depth)})"
        named = islice(_attributes_of(value).items(), MAX_WIDTH)
        shown = [
            f"{name}={REDACTED if _is_secret(name, one) else self._format(one, depth + 1)}"
            for name, one in list(named)
            if type(name) is str and not name.startswith("_")
        ]
        full = type_internals.full_name(kind)
        return f"{full}({', '.join(shown)})" if shown else f"<{full} object>"

    def _format_pairs(self, pairs: list[tuple[Any, Any]], depth: int, len_of: int) -> str:
        shown = []
        for key, item in pairs[:MAX_WIDTH]:
            name = self._format(key, depth + 1)
            text = REDACTED if _is_secret(key, item) else self._format(item, depth + 1)
            shown.append(f"{name}: {text}")
        return ", ".join([*shown, *_omission_note(len_of)])

    def _format_parts(self, value: Any, base: Any, depth: int) -> str:
        parts: Iterable[Any] = base.__iter__(value)
        shown = [self._format(one, depth + 1) for one in list(islice(parts, MAX_WIDTH))]
        length = base.__len__(value)
        comma = "," if base is tuple and length == 1 else ""
        return ", ".join([*shown, *_omission_note(length)]) + comma


def _is_secret(name: object, value: object) -> bool:
    """Return whether *name* is that of a secret and *value* is not seen to be none."""
    return type(name) is str and is_secret_name(name) and not _is_nothing(value)


def _is_nothing(value: object) -> bool:
    """Return whether *value* is a secret that is missing, or what a form says of it."""
    if type(value) is str:
        return says_nothing(value)
    if type(value) is list:
        return len(value) <= MAX_WIDTH and all(
            type(one) is str and says_nothing(one) for one in value
        )
    return value is None or value is True or value is False


def format_leaf(value: Any, max_length: int = MAX_TEXT_LENGTH) -> str | None:
    """Return the text of a value without parts, None for any other."""
    kind = type(value)
    if issubclass(kind, TEXT_TYPES):
        return _format_text(value, max_length)
    if issubclass(kind, (Enum, int)):
        return _format_constant(value, kind)
    if issubclass(kind, (type, ModuleType)) or is_type_among(kind, CALLABLE_TYPES):
        return _format_definition(value, kind)
    return repr(value) if is_type_among(kind, PLAIN_TYPES) else _format_library_value(value)


def _omission_note(length: int) -> list[str]:
    return [f"{ELLIPSIS} {length} in all"] if length > MAX_WIDTH else []


def _with_type_name(kind: type, base: type, text: str) -> str:
    return text if kind is base else f"{type_internals.full_name(kind)}({text})"


def _format_text(value: Any, max_length: int) -> str:
    base: Any = next(one for one in TEXT_TYPES if issubclass(type(value), one))
    length = base.__len__(value)
    text = repr(base.__getitem__(value, slice(max_length)))
    return text if length <= max_length else f"{text[:-1]}{ELLIPSIS}{text[-1]} ({length} in all)"


def _attributes_of(value: object) -> dict[Any, Any]:
    """Return what *value* keeps in its dictionary and its slots."""
    kind = type(value)
    read = type_internals.dict_getter(kind)
    found = read(value) if read is not None else {}
    if not issubclass(type(found), dict):
        found = {}
    fields = islice(dict.items(found), MAX_WIDTH * 2)
    kept = {name: field for name, field in list(fields) if type(name) is str}
    for name, getter in type_internals.slot_getters(kind):
        slot = call_or_default(lambda getter=getter: getter(value), _UNSET)  # type: ignore[misc]
        if slot is not _UNSET:
            kept[name] = slot
    return kept


_UNSET = object()


def _format_constant(value: Any, kind: type) -> str:
    if issubclass(kind, Enum):
        return f"{type_internals.qualname_of(kind)}.{_attributes_of(value).get('_name_', '?')}"
    if kind is bool:
        return repr(value)
    bits = int.bit_length(value)
    return int.__repr__(value) if bits <= MAX_INT_BITS else f"<int of {bits} bits>"


def _format_definition(value: Any, kind: type) -> str:
    if issubclass(kind, type):
        return f"<class '{type_internals.full_name(value)}'>"
    if issubclass(kind, ModuleType):
        return f"<module '{type_internals.module_dict(value).get('__name__', '?')}'>"
    is_python = is_type_among(kind, (FunctionType, MethodType))
    name = resolve_callee(value).name if is_python else value.__qualname__
    return f"<{kind.__name__} {name}>"


def _format_library_value(value: Any) -> str | None:
    """Return the text of a date, a decimal and the like, None for anything else."""
    if not is_library_value(value):
        return None
    if has_builtin_text(value):
        return repr(value)[:MAX_VARIABLE_LENGTH]
    zone = type_internals.full_name(type(value.tzinfo))
    return f"{repr(value.replace(tzinfo=None))[:-1]}, tzinfo=<{zone}>)"
