"""Computes the fingerprint that the events of one error have in common."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby

from bugsly_server.fingerprint.normalized_text import normalize_text
from bugsly_server.model.event import ErrorEvent, EventException, StackFrame

VERSION = 1
MAX_FRAMES = 12
"""The innermost calls that count; a recursion counts once."""
MAX_CHAINED_EXCEPTIONS = 4
DEFAULT_PLACEHOLDER = re.compile(r"\{\{\s*default\s*\}\}")
INLINED_FUNCTIONS = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>"})
"""Since Python 3.12 they are not calls any more."""
HOST_AND_QUERY = re.compile(r"^(?:[\w+.-]+:)?//[^/]*|\?.*$|#.*$")
MINIFIED_LINE_LENGTH = 300
"""A longer source line was not written by hand."""


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """What an event is grouped by, and why, in words."""

    fingerprint: str
    reasons: tuple[str, ...]


def group_event(event: ErrorEvent) -> ErrorGroup:
    """Return the group of *event*.

    The fingerprint is a promise. Version 1: events have the same one if and only if they agree in
    the type of the exception that was caught and of up to four that led to it, in the innermost
    twelve calls of the application by module (or file) and function, and in the text of the line
    that raised. Line numbers, values, messages, hosts, releases and library frames do not count.
    Without calls of the application those of libraries count, without any the message does, made
    normal. A client's own fingerprint counts instead, its `{{ default }}` standing for all this.
    """
    parts, reasons = _default_parts(event)
    custom = event.fingerprint
    if custom and not (len(custom) == 1 and DEFAULT_PLACEHOLDER.fullmatch(custom[0])):
        custom_parts = [one for one in custom if not DEFAULT_PLACEHOLDER.fullmatch(one)]
        includes_default = len(custom_parts) < len(custom)
        parts = ["own", *custom, *(parts if includes_default else ())]
        reason = f"the application gave them the same fingerprint: {', '.join(custom_parts)}"
        reasons = (reason, *reasons) if includes_default else (reason,)
    return ErrorGroup(f"{VERSION}/{_digest(parts)}", reasons)


def significant_frames(exception: EventException) -> list[StackFrame]:
    """Return the calls that count, innermost last: the application's, or all where it has none."""
    frames = [one for one in exception.frames if one.in_app] or list(exception.frames)
    frames = [one for one in frames if one.function not in INLINED_FUNCTIONS]
    distinct = [next(same) for _, same in groupby(frames, key=_call_key)]
    return distinct[-MAX_FRAMES:]


def _default_parts(event: ErrorEvent) -> tuple[list[str], tuple[str, ...]]:
    if not event.exceptions:
        message = normalize_text(event.message)
        where = f" of logger {event.logger}" if event.logger else ""
        return ["message", event.logger, message], (f"the message{where} is the same: {message}",)
    caught = event.exceptions[0]
    chain = [one.type for one in event.exceptions[: 1 + MAX_CHAINED_EXCEPTIONS]]
    parts, reasons = ["exception", *chain], [_types_reason(chain)]
    frames = significant_frames(caught)
    if not frames:
        message = normalize_text(caught.value)
        return [*parts, message], (*reasons, f"without a stack, the message is the same: {message}")
    parts += [_call_key(one) for one in frames]
    path = " → ".join(_call_key(one).replace("|", ".") for one in frames)
    reasons.append(f"the same calls lead to it: {path}")
    code = _source_line(frames[-1])
    if code:
        parts.append(code)
        reasons.append(f"the same line raises it: {code}")
    return parts, tuple(reasons)


def _types_reason(chain: Sequence[str]) -> str:
    causes = f", after {', '.join(chain[1:])}" if len(chain) > 1 else ""
    return f"the exception is the same: {chain[0]}{causes}"


def _call_key(frame: StackFrame) -> str:
    """Return what names a call in every release: its module, or the file without its host."""
    location = frame.module or normalize_text(HOST_AND_QUERY.sub("", frame.file).rpartition("/")[2])
    return f"{location}|{frame.function}"


def _source_line(frame: StackFrame) -> str:
    return normalize_text(frame.code) if len(frame.code) < MINIFIED_LINE_LENGTH else ""


def _digest(parts: Sequence[str]) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
