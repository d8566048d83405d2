"""Formats log records for events and breadcrumbs, without running the application's code."""

from __future__ import annotations

import logging
from typing import Any

from bugsly.guard import call_or_default
from bugsly.introspection import type_internals
from bugsly.introspection.builtin_text import has_builtin_text
from bugsly.probes.errors.safe_repr import format_leaf
from bugsly.probes.errors.timed_texts import TextSource


class PlaceholderText(str):
    """Stands in a message for a value whose own text the application's code would make."""

    __slots__ = ()
    __repr__ = str.__str__


def format_record(record: logging.LogRecord) -> tuple[str, TextSource | None]:
    """Return the message of *record*, and what makes a better one by the application's code.

    A value that only such code can put into words is named by its type.
    """
    template = record.msg if type(record.msg) is str else ""
    foreign = _foreign_value(record)
    if foreign is None:
        return call_or_default(record.getMessage, template), None
    kind = type_internals.full_name(type(foreign))
    return (
        call_or_default(lambda: _format_with_placeholders(record), template),
        TextSource(kind, make=record.getMessage, is_quick=False),
    )


def _foreign_value(record: logging.LogRecord) -> object:
    """Return what the application's code puts into words: a value, or all of *record*; or None."""
    if type(record).getMessage is not logging.LogRecord.getMessage:
        return record
    arguments: Any = record.args
    values = arguments if type(arguments) is tuple else (arguments,)
    for value in (record.msg, *values):
        if not has_builtin_text(value):
            return value
    return None


def _format_with_placeholders(record: logging.LogRecord) -> str:
    arguments: Any = record.args
    text = str(_shown(record.msg))
    if type(arguments) is dict:
        return text % {name: _shown(value) for name, value in arguments.items()}
    if type(arguments) is tuple:
        return text % tuple(map(_shown, arguments)) if arguments else text
    return text if arguments is None else text % _shown(arguments)


def _shown(value: Any) -> Any:
    kind = type(value)
    if has_builtin_text(value):
        return value
    if issubclass(kind, str):
        return str.__str__(value)
    return PlaceholderText(format_leaf(value) or f"<{type_internals.full_name(kind)}>")
