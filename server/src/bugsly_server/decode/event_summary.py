"""Decodes only what grouping and counting need of an event's JSON, and skips the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import msgspec


class _Frame(TypedDict, total=False):
    module: Any
    function: Any
    filename: Any
    abs_path: Any
    lineno: Any
    context_line: Any
    in_app: Any


class _Stack(TypedDict, total=False):
    frames: list[_Frame]


class _Exception(TypedDict, total=False):
    type: Any
    module: Any
    value: Any
    mechanism: Any
    stacktrace: _Stack | None


class _ExceptionList(TypedDict):
    """An exception that stands alone, without a list, is of unusual form."""

    values: list[_Exception]


class _Contexts(TypedDict, total=False):
    bugsly: Any


class _Request(TypedDict, total=False):
    method: Any


class _EventSummary(TypedDict, total=False):
    event_id: Any
    timestamp: Any
    platform: Any
    level: Any
    logger: Any
    logentry: Any
    message: Any
    exception: _ExceptionList | None
    threads: Any
    stacktrace: Any
    transaction: Any
    release: Any
    environment: Any
    server_name: Any
    user: Any
    sdk: Any
    contexts: _Contexts | None
    request: _Request | None
    fingerprint: Any
    _bugsly: Any


_DECODER = msgspec.json.Decoder(_EventSummary)


def read_event_summary(payload: bytes) -> Mapping[str, Any] | None:
    """Return an event without its details; None where its form is unusual."""
    try:
        return _DECODER.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
