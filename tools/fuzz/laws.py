"""Laws that several targets hold their results to."""

from __future__ import annotations

import unicodedata

from bugsly_server.errors import Rejected

NOW = 1_790_000_000_000_000
"""When inputs arrive, microseconds since 1970."""


BIDI_CONTROLS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""Characters that turn the direction of what follows, and so can hide it."""
CONTROL_CATEGORIES = frozenset({"Cc", "Zl", "Zp"})


def assert_one_line(text: str, max_length: int) -> None:
    """Raise unless *text* is a line without control characters, of at most *max_length*."""
    controls = {
        letter
        for letter in text
        if letter in BIDI_CONTROLS or unicodedata.category(letter) in CONTROL_CATEGORIES
    }
    assert not controls, f"{controls} in {text[:300]!r}"
    assert len(text) <= max_length, f"{len(text)} characters, {max_length} allowed: {text[:80]!r}"


def assert_refusal(refusal: Rejected) -> None:
    """Raise unless *refusal* of a body says in one line what is wrong with it."""
    assert refusal.status in {400, 413, 415}
    assert_one_line(str(refusal), 300)


def assert_size(size: int, input_size: int, factor: int) -> None:
    """Raise unless *size* is at most *factor* times that of the input, and some for its frame."""
    allowed = factor * input_size + 64 * 1024
    assert size <= allowed, f"{size} bytes out of {input_size}, {allowed} allowed"
