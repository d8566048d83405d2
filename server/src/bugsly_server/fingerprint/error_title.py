"""Computes the title and location that lists show of an error."""

from __future__ import annotations

from bugsly_server.fingerprint.error import significant_frames
from bugsly_server.model.event import ErrorEvent

MAX_LENGTH = 200


def error_title(event: ErrorEvent) -> str:
    """Return the exception's type and message, or the message, on one line."""
    if not event.exceptions:
        return _shorten(event.message) or "an event without a message"
    caught = event.exceptions[0]
    message = _shorten(caught.value)
    return _shorten(f"{caught.type}: {message}" if message else caught.type)


def error_location(event: ErrorEvent) -> str:
    """Return the innermost call of the application, as `checkout in shop/views.py`."""
    frames = significant_frames(event.exceptions[0]) if event.exceptions else ()
    if not frames:
        return event.logger
    last = frames[-1]
    return _shorten(f"{last.function} in {last.file}" if last.function else last.file)


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 1]}…"
