"""Encodes events on the sender's thread: adds source lines, redacts, and limits the size."""

from __future__ import annotations

import stat
import time
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bugsly.app_code import is_app_file, short_path
from bugsly.probes import process
from bugsly.probes.source_reader import MAX_SOURCE_BYTES, decode_source
from bugsly.protocol.event import encode_event
from bugsly.redact import REDACTED, is_secret_name, redact_source, redact_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bugsly.protocol.event import (
        CapturedBreadcrumb,
        CapturedEvent,
        CapturedException,
        CapturedFrame,
        CapturedRequest,
        EventOrigin,
    )

MAX_EVENT_BYTES = 200_000
CONTEXT_LINES = 5
"""Lines of source before and after that of a frame."""
LOAD_SECONDS = 1.0
"""Seconds after the start of the process within which a changed file counts as loaded."""
MAX_LINE_LENGTH = 250
MAX_VALUE_LENGTH = 4_000
MAX_REDUCED_FRAMES = 5
MAX_REDUCED_EXCEPTIONS = 2


class SourceContext(NamedTuple):
    """A line of source, and the lines around it."""

    before: tuple[str, ...] = ()
    code: str = ""
    after: tuple[str, ...] = ()


def encode_without_secrets(event: CapturedEvent, origin: EventOrigin) -> bytes:
    """Return *event* as JSON without secrets; a large event loses what matters least first."""
    event = _redact(event)
    encoded = encode_event(event, origin)
    for reduce in REDUCTIONS:
        if len(encoded) <= MAX_EVENT_BYTES:
            break
        event = reduce(event)
        encoded = encode_event(event, origin)
    return encoded


def _redact(event: CapturedEvent) -> CapturedEvent:
    return replace(
        event,
        message=redact_text(event.message),
        template=redact_text(event.template),
        thrown=tuple(_redact_exception(one) for one in event.thrown),
        crumbs=tuple(_redact_breadcrumb(one) for one in event.crumbs),
        asked=None if event.asked is None else _redact_request(event.asked),
    )


def _redact_exception(exception: CapturedException) -> CapturedException:
    return replace(
        exception,
        value=redact_text(exception.value)[:MAX_VALUE_LENGTH],
        frames=tuple(_complete_frame(one) for one in exception.frames),
    )


def _complete_frame(frame: CapturedFrame) -> CapturedFrame:
    lines = read_source_context(frame.path, frame.line)
    return replace(
        frame,
        file=_cached_short_path(frame.path),
        in_app=is_app_file(frame.path),
        locals=_redact_values(frame.locals),
        **lines._asdict(),
    )


def _redact_breadcrumb(crumb: CapturedBreadcrumb) -> CapturedBreadcrumb:
    return replace(crumb, message=redact_text(crumb.message), details=_redact_values(crumb.details))


def _redact_request(request: CapturedRequest) -> CapturedRequest:
    return replace(
        request,
        url=redact_text(request.url),
        query=_redact_query(request.query),
        headers=_redact_values(request.headers),
        body=redact_text(request.body),
    )


def _redact_values(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: redact_text(text) for name, text in texts.items()}


def _redact_query(query: str) -> str:
    parts = [part.partition("=") for part in query.split("&")]
    return "&".join(
        f"{name}={REDACTED}" if is_secret_name(name) else redact_text(name + equals + value)
        for name, equals, value in parts
    )


@lru_cache(maxsize=512)
def _cached_short_path(path: str) -> str:
    return short_path(path)


@lru_cache(maxsize=256)
def read_source_context(path: str, line: int) -> SourceContext:
    """Return the source around *line*, empty if there is no file or it has changed since."""
    file = Path(path)
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_SOURCE_BYTES:
            return SourceContext()
        if found.st_mtime > time.time() - process.age() / 1_000_000 + LOAD_SECONDS:
            return SourceContext()
        text = decode_source(file.read_bytes())
    except (OSError, ValueError):
        return SourceContext()
    first = max(0, line - 1 - CONTEXT_LINES)
    chosen = text.replace("\r\n", "\n").removesuffix("\n").split("\n")[first : line + CONTEXT_LINES]
    lines = [one[:MAX_LINE_LENGTH] for one in redact_source("\n".join(chosen)).split("\n")]
    at = line - 1 - first
    if not 0 <= at < len(chosen):
        return SourceContext()
    return SourceContext(tuple(lines[:at]), lines[at], tuple(lines[at + 1 :]))


def _map_frames(
    event: CapturedEvent, transform: Callable[[CapturedFrame], CapturedFrame]
) -> CapturedEvent:
    thrown = (
        replace(one, frames=tuple(transform(frame) for frame in one.frames)) for one in event.thrown
    )
    return replace(event, thrown=tuple(thrown))


def _without_far_locals(event: CapturedEvent) -> CapturedEvent:
    """Keep variables of the innermost calls of each exception only."""
    near = {id(frame) for one in event.thrown for frame in _innermost_with_locals(one.frames)}
    return _map_frames(
        event, lambda frame: frame if id(frame) in near else replace(frame, locals={})
    )


def _innermost_with_locals(frames: tuple[CapturedFrame, ...]) -> Iterable[CapturedFrame]:
    return [one for one in frames if one.locals][-3:]


def _without_user_data(event: CapturedEvent) -> CapturedEvent:
    event = replace(event, crumbs=(), asked=event.asked and replace(event.asked, body=""))
    return _map_frames(event, lambda frame: replace(frame, locals={}))


def _without_source(event: CapturedEvent) -> CapturedEvent:
    return _map_frames(event, lambda frame: replace(frame, **SourceContext()._asdict()))


def _reduced_to_minimum(event: CapturedEvent) -> CapturedEvent:
    thrown = [
        replace(one, frames=one.frames[-MAX_REDUCED_FRAMES:])
        for one in event.thrown[:MAX_REDUCED_EXCEPTIONS]
    ]
    return replace(event, thrown=tuple(thrown), asked=None)


REDUCTIONS = (_without_far_locals, _without_user_data, _without_source, _reduced_to_minimum)
