"""Tells values whose text only Python's own code makes from those that run the application's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from bugsly.introspection import type_internals

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAIN_TYPES = (str, int, float, bool, type(None), bytes, complex)
LIBRARY_MODULES = ("datetime", "decimal", "uuid", "fractions", "pathlib", "ipaddress", "zoneinfo")
"""Modules whose types have a text that calls no other code."""
MAX_DEPTH = 4
MAX_ENTRIES = 100
"""Of one container: the text of a large one takes long."""
_EXCEPTION_FIELDS: Any = BaseException.__dict__
_KNOWN_STR = tuple(vars(kind)["__str__"] for kind in (BaseException, KeyError, OSError))
_OS_ERROR_PARTS: tuple[Any, ...] = tuple(
    vars(OSError)[name] for name in ("errno", "strerror", "filename", "filename2")
)


def has_builtin_text(value: Any, depth: int = 0) -> bool:
    """Return whether `str()` and `repr()` of *value* are quick and run no code but Python's."""
    kind = type(value)
    if is_type_among(kind, PLAIN_TYPES):
        return True
    if depth == MAX_DEPTH:
        return False
    if kind is tuple or kind is list:
        return _have_builtin_text(value, depth)
    if kind is dict:
        return _have_builtin_text(value.keys(), depth) and _have_builtin_text(value.values(), depth)
    if issubclass(kind, BaseException):
        return _has_known_methods(kind) and _have_builtin_text(_exception_parts(value), depth)
    return is_library_value(value) and _is_zone_known(value)


def is_library_value(value: object) -> bool:
    """Return whether *value* is a date, a decimal and the like."""
    kind = type(value)
    module = type_internals.module_of(kind).partition(".")[0]
    known = sys.modules.get(module)
    if module not in LIBRARY_MODULES or known is None:
        return False
    return type_internals.module_dict(known).get(type_internals.qualname_of(kind)) is kind


def is_type_among(kind: type, kinds: Iterable[type]) -> bool:
    """Return whether *kind* is one of *kinds*, without the hash that its metaclass may define."""
    for other in kinds:  # noqa: SIM110 - `any` over a generator takes five times as long
        if kind is other:
            return True
    return False


def _have_builtin_text(values: Any, depth: int) -> bool:
    return len(values) <= MAX_ENTRIES and all(
        has_builtin_text(value, depth + 1) for value in list(values)
    )


def _has_known_methods(kind: type) -> bool:
    return (
        any(_inherited(kind, "__str__") is known for known in _KNOWN_STR)
        and _inherited(kind, "__repr__") is _EXCEPTION_FIELDS["__repr__"]
    )


def _inherited(kind: type, name: str) -> object:
    """Return what *kind* has under *name*, as its class or the nearest base defines it."""
    classes = (type_internals.class_dict(base) for base in type_internals.mro(kind))
    return next((fields[name] for fields in classes if name in fields), None)


def _exception_parts(error: BaseException) -> tuple[object, ...]:
    """Return what the text of *error* is made of."""
    parts: tuple[object, ...] = _EXCEPTION_FIELDS["args"].__get__(error)
    if issubclass(type(error), OSError):
        parts += tuple(part.__get__(error) for part in _OS_ERROR_PARTS)
    return parts


def _is_zone_known(value: object) -> bool:
    """Return whether a date has no time zone, or one of the library's."""
    zone = getattr(value, "tzinfo", None)
    return zone is None or is_library_value(zone)
