"""Finds the name or key that somebody may have meant by one that does not exist."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

MIN_SIMILARITY = 0.72
"""Of difflib's ratio: a letter wrong in four, two in eight."""
FIELD_PATTERN = re.compile(r"[(,\s]([A-Za-z_]\w{0,60})=")
MAX_CANDIDATES = 200


def nearest_name(name: str, candidates: Iterable[str]) -> str:
    """Return the one of *candidates* that *name* is probably meant to be; '' if none is close."""
    others = [one for one in dict.fromkeys(candidates) if one != name][:MAX_CANDIDATES]
    same_letters = [one for one in others if _letters_only(one) == _letters_only(name)]
    matches = same_letters or difflib.get_close_matches(name, others, n=1, cutoff=MIN_SIMILARITY)
    return matches[0] if matches else ""


def keys_in_repr(repr_text: str) -> list[str]:
    """Return the keys in *repr_text*, the `repr` of a mapping, which may be cut short."""
    if not re.match(r"\w*\(?\[?[{(\[]", repr_text):
        return []
    is_list_of_pairs = "Dict([" in repr_text
    pattern = (
        r"\(\s*['\"]([^'\"\\]{1,80})['\"]\s*,"
        if is_list_of_pairs
        else r"['\"]([^'\"\\]{1,80})['\"]\s*:"
    )
    return re.findall(pattern, repr_text[:4_000])


def fields_in_repr(repr_text: str) -> list[str]:
    """Return the fields in *repr_text*, the `repr` of an object such as `User(name='Ada')`."""
    return FIELD_PATTERN.findall(repr_text[:4_000]) if re.match(r"<?\w+[( ]", repr_text) else []


def _letters_only(name: str) -> str:
    return re.sub(r"[-_\s]", "", name).lower()
