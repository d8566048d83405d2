"""Reads JSON of any quality, and takes texts, numbers and moments out of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from bugsly_server.clock import SECOND, Micros

MAX_INTEGER = 1 << 62
INVISIBLE_RANGES = (
    *(range(9), range(11, 32), range(127, 160), range(0x61C, 0x61D), range(0x200E, 0x2010)),
    *(range(0x202A, 0x202F), range(0x2066, 0x206A), range(0xFEFF, 0xFF00)),
)
REMOVED_CHARACTERS = dict.fromkeys(code for codes in INVISIBLE_RANGES for code in codes)
"""Invisible characters, and those that turn the direction of what follows."""


def read_object(payload: bytes) -> dict[str, Any] | None:
    """Return the JSON object in *payload*; None where there is none.

    Bytes that are not UTF-8 become replacement characters, and NaN and infinities become null.
    """
    try:
        raw = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        try:
            text = payload.decode("utf-8", "replace")
            raw = _encodable(json.loads(text, parse_constant=lambda _: None))
        except (ValueError, RecursionError):
            return None
    return raw if isinstance(raw, dict) else None


def text(raw: object, max_length: int) -> str:
    """Return *raw* as a text of at most *max_length* characters, without control characters."""
    if type(raw) is not str:
        if raw is None:
            return ""
        if isinstance(raw, dict | list):
            raw = msgspec.json.encode(raw).decode()
        raw = str(raw)
    if len(raw) > max_length:
        raw = f"{raw[: max_length - 1]}…"
    return raw if raw.isprintable() else raw.translate(REMOVED_CHARACTERS)


def line(raw: object, max_length: int) -> str:
    """Return *raw* as a text on one line."""
    if type(raw) is str and len(raw) <= max_length and raw.isprintable():
        return raw
    plain = text(raw, max_length)
    return plain if plain.isprintable() else " ".join(plain.split())


def number(raw: object, maximum: int) -> int:
    """Return *raw* as a whole number from 0 to *maximum*; 0 where it is not one."""
    if type(raw) is int:
        return raw if 0 <= raw <= maximum else 0
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 19:
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return 0
    return int(raw) if 0 <= raw <= maximum else 0


def moment(raw: object) -> Micros | None:
    """Return a moment given as seconds since 1970 or by ISO 8601; None where it is neither."""
    try:
        if isinstance(raw, str):
            parsed = datetime.fromisoformat(raw[:40])
            aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
            return round(aware.timestamp() * SECOND)
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            return round(raw * SECOND) if 0 < raw < MAX_INTEGER // SECOND else None
    except (ValueError, OverflowError):
        return None
    return None


def mapping(raw: object) -> dict[str, Any]:
    """Return *raw* as a mapping, also where it is a list of pairs; empty where it is neither."""
    if isinstance(raw, dict):
        return raw
    if isinstance(raw, list):
        pairs = (one for one in raw if isinstance(one, list) and len(one) == 2)
        return {key: value for key, value in pairs if isinstance(key, str)}
    return {}


def mappings(raw: object) -> list[dict[str, Any]]:
    """Return the mappings of a list, or of `{"values": list}`."""
    if isinstance(raw, dict):
        raw = raw.get("values", [raw])
    return [one for one in raw if isinstance(one, dict)] if isinstance(raw, list) else []


def _encodable(raw: Any) -> Any:
    """Return *raw* as msgspec can write it again: no lone surrogates, no endless numbers."""
    if isinstance(raw, dict):
        return {_encodable(key): _encodable(value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_encodable(one) for one in raw]
    if isinstance(raw, str):
        return raw.encode("utf-8", "replace").decode()
    if isinstance(raw, int) and not -MAX_INTEGER < raw < MAX_INTEGER:
        return str(raw)[:40]
    return raw
