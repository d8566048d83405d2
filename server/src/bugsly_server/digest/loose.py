"""Reads JSON of whatever quality, and takes texts, numbers and moments out of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from bugsly_server.clock import SECOND, Micros

LARGEST = 1 << 62
INVISIBLE = (
    *(range(9), range(11, 32), range(127, 160), range(0x61C, 0x61D), range(0x200E, 0x2010)),
    *(range(0x202A, 0x202F), range(0x2066, 0x206A), range(0xFEFF, 0xFF00)),
)
CONTROLS = dict.fromkeys(code for codes in INVISIBLE for code in codes)
"""What is not for the eye, or turns the direction of what follows it."""


def read_object(payload: bytes) -> dict[str, Any] | None:
    """Return the JSON object in *payload*; None where there is none.

    Bytes that are no UTF-8 become question marks, and numbers that are none, null.
    """
    try:
        loose = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        try:
            text = payload.decode("utf-8", "replace")
            loose = _mended(json.loads(text, parse_constant=lambda _: None))
        except (ValueError, RecursionError):
            return None
    return loose if isinstance(loose, dict) else None


def text(loose: object, longest: int) -> str:
    """Return *loose* as a text of at most *longest* characters, without control characters."""
    if type(loose) is not str:
        if loose is None:
            return ""
        if isinstance(loose, dict | list):
            loose = msgspec.json.encode(loose).decode()
        loose = str(loose)
    if len(loose) > longest:
        loose = f"{loose[: longest - 1]}…"
    return loose if loose.isprintable() else loose.translate(CONTROLS)


def line(loose: object, longest: int) -> str:
    """Return *loose* as a text on one line."""
    if type(loose) is str and len(loose) <= longest and loose.isprintable():
        return loose
    plain = text(loose, longest)
    return plain if plain.isprintable() else " ".join(plain.split())


def number(loose: object, largest: int) -> int:
    """Return *loose* as a whole number from 0 to *largest*, 0 where it is none."""
    if type(loose) is int:
        return loose if 0 <= loose <= largest else 0
    if isinstance(loose, str) and loose.isascii() and loose.isdigit() and len(loose) < 19:
        loose = int(loose)
    if isinstance(loose, bool) or not isinstance(loose, int | float):
        return 0
    return int(loose) if 0 <= loose <= largest else 0


def moment(loose: object) -> Micros | None:
    """Return a moment given as seconds since 1970 or by ISO 8601; None where it is neither."""
    try:
        if isinstance(loose, str):
            found = datetime.fromisoformat(loose[:40])
            aware = found if found.tzinfo else found.replace(tzinfo=UTC)
            return round(aware.timestamp() * SECOND)
        if isinstance(loose, int | float) and not isinstance(loose, bool):
            return round(loose * SECOND) if 0 < loose < LARGEST // SECOND else None
    except (ValueError, OverflowError):
        return None
    return None


def mapping(loose: object) -> dict[str, Any]:
    """Return *loose* as a mapping, also where it is a list of pairs; empty where it is neither."""
    if isinstance(loose, dict):
        return loose
    if isinstance(loose, list):
        pairs = (one for one in loose if isinstance(one, list) and len(one) == 2)
        return {key: value for key, value in pairs if isinstance(key, str)}
    return {}


def values(loose: object) -> list[dict[str, Any]]:
    """Return the mappings of a list, or of `{"values": list}`."""
    if isinstance(loose, dict):
        loose = loose.get("values", [loose])
    return [one for one in loose if isinstance(one, dict)] if isinstance(loose, list) else []


def _mended(loose: Any) -> Any:
    """Return *loose* as msgspec can write it again: no lone surrogates, no endless numbers."""
    if isinstance(loose, dict):
        return {_mended(key): _mended(value) for key, value in loose.items()}
    if isinstance(loose, list):
        return [_mended(one) for one in loose]
    if isinstance(loose, str):
        return loose.encode("utf-8", "replace").decode()
    if isinstance(loose, int) and not -LARGEST < loose < LARGEST:
        return str(loose)[:40]
    return loose
