"""Shortens paths, and says which keys may be shown in them, for the census and the heap walker."""

from __future__ import annotations

import re
from zlib import crc32

MAX_SHOWN_INT = 100_000
MAX_PATH_TEXT_LENGTH = 200
_SHOWABLE_KEY = re.compile(r"(?!.*(\d{5}|[0-9a-fA-F-]{12}))[A-Za-z_][\w.:/ -]{0,39}")
"""Keys that are shown. Others, such as email addresses and session ids, may be personal data."""


def shorten(text: str) -> str:
    """Return *text*, or if it is long, its beginning, a checksum of all of it, and its end."""
    if len(text) <= MAX_PATH_TEXT_LENGTH:
        return text
    return f"{text[: MAX_PATH_TEXT_LENGTH - 52]}…{checksum(text)}…{text[-40:]}"


def is_showable_key(key: object) -> bool:
    """Return whether *key* names a thing rather than a person."""
    if type(key) is str:
        return _SHOWABLE_KEY.fullmatch(key) is not None
    return key is None or (type(key) is int and abs(key) < MAX_SHOWN_INT)


def checksum(text: str) -> str:
    """Return 8 hexadecimal digits that distinguish *text* from other texts."""
    return f"{crc32(text.encode(errors='replace')):08x}"
