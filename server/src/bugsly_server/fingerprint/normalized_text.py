"""Removes from a text what differs from one event of an error to the next."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_LENGTH = 400
VARIABLE_PARTS = re.compile(
    r"(?P<uuid>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)"
    r"|(?P<address>\b0[xX][0-9a-fA-F]+\b)"
    r"|(?P<email>[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8})"
    r"|(?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)"
    r"|(?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b)"
    r"|(?P<hash>\b(?=[0-9a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{7,}\b)"
    r"|(?P<number>[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?)"
)
MAX_REMEMBERED = 10_000


@lru_cache(MAX_REMEMBERED)
def normalize_text(text: str) -> str:
    """Return *text* with ids, addresses, hashes, moments and numbers replaced by their kind.

    Normalized text stays as it is. White space counts as one space, and only the first 400
    characters count.
    """
    plain = VARIABLE_PARTS.sub(_placeholder, " ".join(text[:MAX_LENGTH].split()))
    return plain if len(plain) <= MAX_LENGTH else plain[:MAX_LENGTH].rpartition(" ")[0]


def _placeholder(match: re.Match[str]) -> str:
    return f"<{match.lastgroup}>"
