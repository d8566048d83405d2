"""Builds and parses Sentry envelopes: a JSON header line, then items of header line and payload."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTENT_TYPE = "application/x-sentry-envelope"
MAX_HEADER_BYTES = 8 * 1024
MAX_ITEMS = 100
MAX_COUNTED_ITEMS = 10_000
"""Items that are counted at all: a body of only tiny items would take long to parse."""
NEWLINES = re.compile(rb"\n*")


class InvalidEnvelope(ValueError):
    """A body that is no envelope; the message is one sentence on why."""


@dataclass(frozen=True, slots=True)
class EnvelopeItem:
    """One item; *type* is empty where its header names none."""

    type: str
    header: dict[str, Any]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A parsed envelope. *beyond* counts the items past `MAX_ITEMS`, which were not read."""

    header: dict[str, Any]
    items: tuple[EnvelopeItem, ...]
    beyond: int = 0


def build_envelope(header: dict[str, Any], items: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the envelope of *items*, pairs of type and payload."""
    lines = [json.dumps(header).encode()]
    for kind, payload in items:
        lines.append(json.dumps({"type": kind, "length": len(payload)}).encode())
        lines.append(payload)
    return b"\n".join(lines) + b"\n"


def parse_envelope(body: bytes) -> Envelope:
    """Return *body* as an `Envelope`; raise `InvalidEnvelope` where its framing breaks.

    An item without a length ends at the next newline. Payloads are not parsed.
    """
    header, position = _parse_header(body, 0, "the envelope's header")
    items: list[EnvelopeItem] = []
    beyond = 0
    while (position := _skip_newlines(body, position)) < len(body):
        number = len(items) + beyond + 1
        if number > MAX_COUNTED_ITEMS:
            raise InvalidEnvelope(f"it has more than {MAX_COUNTED_ITEMS} items")
        item_header, start = _parse_header(body, position, f"the header of item {number}")
        end = _payload_end(body, start, item_header.get("length"), number)
        position = end + 1
        if len(items) == MAX_ITEMS:
            beyond += 1
            continue
        kind = item_header.get("type")
        items.append(
            EnvelopeItem(kind if isinstance(kind, str) else "", item_header, body[start:end])
        )
    return Envelope(header, tuple(items), beyond)


def _skip_newlines(body: bytes, position: int) -> int:
    match = NEWLINES.match(body, position)
    return match.end() if match is not None else position


def _parse_header(body: bytes, start: int, what: str) -> tuple[dict[str, Any], int]:
    end = body.find(b"\n", start)
    end = len(body) if end < 0 else end
    if end - start > MAX_HEADER_BYTES:
        raise InvalidEnvelope(f"{what} is longer than {MAX_HEADER_BYTES} bytes")
    try:
        header = json.loads(body[start:end])
    except (ValueError, RecursionError):
        raise InvalidEnvelope(f"{what} is not JSON") from None
    if not isinstance(header, dict):
        raise InvalidEnvelope(f"{what} is not a JSON object")
    return header, end + 1


def _payload_end(body: bytes, start: int, length: object, number: int) -> int:
    if length is None:
        end = body.find(b"\n", start)
        return len(body) if end < 0 else end
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise InvalidEnvelope(f"the length of item {number} is no count of bytes")
    end = start + length
    if end > len(body):
        raise InvalidEnvelope(f"item {number} says {length} bytes, and fewer follow")
    if end < len(body) and body[end : end + 1] != b"\n":
        raise InvalidEnvelope(f"item {number} says {length} bytes, and no newline follows them")
    return end
