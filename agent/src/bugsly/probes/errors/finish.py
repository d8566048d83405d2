"""Makes an event ready to be sent, away from the request: source lines, redaction, JSON, size."""

from __future__ import annotations

import stat
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bugsly.own import is_own, short_path
from bugsly.probes import process
from bugsly.probes.sources import LARGEST as LARGEST_SOURCE
from bugsly.probes.sources import decode
from bugsly.protocol.event import encode_event
from bugsly.redact import GONE, is_secret_name, redact_source, redact_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bugsly.protocol.event import Asked, Crumb, Event, Frame, Origin, Thrown

LARGEST = 200_000
"""Bytes of one event."""
AROUND = 5
"""Lines before and after that of a frame."""
SOON = 1.0
"""Seconds after the start of the process, until which a change of a file is surely loaded."""
LONGEST_LINE = 250
LONGEST_VALUE = 4_000
FEW_FRAMES = 5
FEW_EXCEPTIONS = 2


class Lines(NamedTuple):
    """Source around a line."""

    before: tuple[str, ...] = ()
    code: str = ""
    after: tuple[str, ...] = ()


def finish(event: Event, origin: Origin) -> bytes:
    """Return *event* as JSON without secrets and not too large; it loses what matters least."""
    event = _redact(event)
    encoded = encode_event(event, origin)
    for reduce in REDUCTIONS:
        if len(encoded) <= LARGEST:
            break
        event = reduce(event)
        encoded = encode_event(event, origin)
    return encoded


def _redact(event: Event) -> Event:
    return replace(
        event,
        message=redact_text(event.message),
        template=redact_text(event.template),
        thrown=tuple(_thrown(one) for one in event.thrown),
        crumbs=tuple(_crumb(one) for one in event.crumbs),
        asked=None if event.asked is None else _asked(event.asked),
    )


def _thrown(thrown: Thrown) -> Thrown:
    return replace(
        thrown,
        value=redact_text(thrown.value)[:LONGEST_VALUE],
        frames=tuple(_frame(one) for one in thrown.frames),
    )


def _frame(frame: Frame) -> Frame:
    lines = read_lines(frame.path, frame.line)
    return replace(
        frame,
        file=_short(frame.path),
        in_app=is_own(frame.path),
        locals=_texts(frame.locals),
        **lines._asdict(),
    )


def _crumb(crumb: Crumb) -> Crumb:
    return replace(crumb, message=redact_text(crumb.message), details=_texts(crumb.details))


def _asked(asked: Asked) -> Asked:
    return replace(
        asked,
        url=redact_text(asked.url),
        query=_query(asked.query),
        headers=_texts(asked.headers),
        body=redact_text(asked.body),
    )


def _texts(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: redact_text(text) for name, text in texts.items()}


def _query(query: str) -> str:
    parts = [part.partition("=") for part in query.split("&")]
    return "&".join(
        f"{name}={GONE}" if is_secret_name(name) else redact_text(name + equals + value)
        for name, equals, value in parts
    )


@lru_cache(maxsize=512)
def _short(path: str) -> str:
    return short_path(path)


@lru_cache(maxsize=256)
def read_lines(path: str, line: int) -> Lines:
    """Return the source around *line*, nothing where the file is none or was changed since."""
    file = Path(path)
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_SOURCE:
            return Lines()
        if found.st_mtime > time.time() - process.age() / 1_000_000 + SOON:
            return Lines()
        text = decode(file.read_bytes())
    except (OSError, ValueError):
        return Lines()
    first = max(0, line - 1 - AROUND)
    chosen = text.replace("\r\n", "\n").removesuffix("\n").split("\n")[first : line + AROUND]
    lines = [one[:LONGEST_LINE] for one in redact_source("\n".join(chosen)).split("\n")]
    at = line - 1 - first
    if not 0 <= at < len(chosen):
        return Lines()
    return Lines(tuple(lines[:at]), lines[at], tuple(lines[at + 1 :]))


def _change(event: Event, change: Callable[[Frame], Frame]) -> Event:
    thrown = (
        replace(one, frames=tuple(change(frame) for frame in one.frames)) for one in event.thrown
    )
    return replace(event, thrown=tuple(thrown))


def _without_far_locals(event: Event) -> Event:
    """Keep the variables of the innermost calls of each exception."""
    near = {id(frame) for one in event.thrown for frame in _last(one.frames)}
    return _change(event, lambda one: one if id(one) in near else replace(one, locals={}))


def _last(frames: tuple[Frame, ...]) -> Iterable[Frame]:
    return [one for one in frames if one.locals][-3:]


def _without_words(event: Event) -> Event:
    event = replace(event, crumbs=(), asked=event.asked and replace(event.asked, body=""))
    return _change(event, lambda one: replace(one, locals={}))


def _without_source(event: Event) -> Event:
    return _change(event, lambda one: replace(one, **Lines()._asdict()))


def _bones(event: Event) -> Event:
    thrown = [
        replace(one, frames=one.frames[-FEW_FRAMES:]) for one in event.thrown[:FEW_EXCEPTIONS]
    ]
    return replace(event, thrown=tuple(thrown), asked=None)


REDUCTIONS = (_without_far_locals, _without_words, _without_source, _bones)
