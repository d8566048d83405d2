"""Computes what the events of one error have in common."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby

from bugsly_server.group.normal import normal
from bugsly_server.model.event import Event, Frame, Thrown

VERSION = 1
MOST_FRAMES = 12
"""Innermost calls that count; a recursion counts once."""
MOST_CAUSES = 4
DEFAULT = re.compile(r"\{\{\s*default\s*\}\}")
INLINED = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>"})
"""No calls any more since Python 3.12."""
PLACE = re.compile(r"^(?:[\w+.-]+:)?//[^/]*|\?.*$|#.*$")
MINIFIED = 300
"""Characters of a source line that nobody wrote by hand."""


@dataclass(frozen=True, slots=True)
class Group:
    """What an event is grouped by, and the same in words."""

    fingerprint: str
    because: tuple[str, ...]


def group(event: Event) -> Group:
    """Return the group of *event*.

    The fingerprint is a promise. Version 1: events have the same one if and only if they agree in
    the type of the exception that was caught and of up to four that led to it, in the innermost
    twelve calls of the application by module (or file) and function, and in the text of the line
    that raised. Line numbers, values, messages, hosts, releases and library frames do not count.
    Without calls of the application those of libraries count, without any the message does, made
    normal. A client's own fingerprint counts instead, its `{{ default }}` standing for all this.
    """
    parts, because = _default(event)
    wanted = event.fingerprint
    if wanted and not (len(wanted) == 1 and DEFAULT.fullmatch(wanted[0])):
        own = [one for one in wanted if not DEFAULT.fullmatch(one)]
        keeps = len(own) < len(wanted)
        parts = ["own", *wanted, *(parts if keeps else ())]
        said = f"the application gave them the same fingerprint: {', '.join(own)}"
        because = (said, *because) if keeps else (said,)
    return Group(f"{VERSION}/{_digest(parts)}", because)


def calls(thrown: Thrown) -> list[Frame]:
    """Return the calls that count, innermost last: the application's, or all where it has none."""
    own = [one for one in thrown.frames if one.in_app] or list(thrown.frames)
    own = [one for one in own if one.function not in INLINED]
    once = [next(same) for _, same in groupby(own, key=_call)]
    return once[-MOST_FRAMES:]


def _default(event: Event) -> tuple[list[str], tuple[str, ...]]:
    if not event.exceptions:
        said = normal(event.message)
        where = f" of logger {event.logger}" if event.logger else ""
        return ["message", event.logger, said], (f"the message{where} is the same: {said}",)
    caught = event.exceptions[0]
    chain = [one.type for one in event.exceptions[: 1 + MOST_CAUSES]]
    parts, because = ["exception", *chain], [_types(chain)]
    counted = calls(caught)
    if not counted:
        said = normal(caught.value)
        return [*parts, said], (*because, f"without a stack, the message is the same: {said}")
    parts += [_call(one) for one in counted]
    path = " → ".join(_call(one).replace("|", ".") for one in counted)
    because.append(f"the same calls lead to it: {path}")
    code = _code(counted[-1])
    if code:
        parts.append(code)
        because.append(f"the same line raises it: {code}")
    return parts, tuple(because)


def _types(chain: Sequence[str]) -> str:
    led = f", after {', '.join(chain[1:])}" if len(chain) > 1 else ""
    return f"the exception is the same: {chain[0]}{led}"


def _call(frame: Frame) -> str:
    """Return what names a call in every release: its module, or the file without its host."""
    place = frame.module or normal(PLACE.sub("", frame.file).rpartition("/")[2])
    return f"{place}|{frame.function}"


def _code(frame: Frame) -> str:
    return normal(frame.code) if len(frame.code) < MINIFIED else ""


def _digest(parts: Sequence[str]) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
