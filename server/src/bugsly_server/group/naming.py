"""What an error is called in a list."""

from __future__ import annotations

from bugsly_server.group.fingerprint import calls
from bugsly_server.model.event import Event

LONGEST = 200


def title(event: Event) -> str:
    """Return the exception's type and message, or the message, on one line."""
    if not event.exceptions:
        return _cut(event.message) or "an event without a message"
    caught = event.exceptions[0]
    said = _cut(caught.value)
    return _cut(f"{caught.type}: {said}" if said else caught.type)


def place(event: Event) -> str:
    """Return the innermost call of the application, as `checkout in shop/views.py`."""
    counted = calls(event.exceptions[0]) if event.exceptions else ()
    if not counted:
        return event.logger
    last = counted[-1]
    return _cut(f"{last.function} in {last.file}" if last.function else last.file)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
