"""What somebody may have meant: names and keys close to one that is not there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

CLOSE = 0.72
"""Of difflib's ratio: a letter wrong in four, two in eight."""
FIELD = re.compile(r"[(,\s]([A-Za-z_]\w{0,60})=")
MOST_KNOWN = 200


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the one of *known* that *name* is probably meant to be; empty where none is close."""
    others = [one for one in dict.fromkeys(known) if one != name][:MOST_KNOWN]
    alike = [one for one in others if _plain(one) == _plain(name)]
    found = alike or difflib.get_close_matches(name, others, n=1, cutoff=CLOSE)
    return found[0] if found else ""


def keys_of(shown: str) -> list[str]:
    """Return the keys in *shown*, the `repr` of a mapping, which may be cut short."""
    if not re.match(r"\w*\(?\[?[{(\[]", shown):
        return []
    paired = "Dict([" in shown
    pattern = (
        r"\(\s*['\"]([^'\"\\]{1,80})['\"]\s*," if paired else r"['\"]([^'\"\\]{1,80})['\"]\s*:"
    )
    return re.findall(pattern, shown[:4_000])


def fields_of(shown: str) -> list[str]:
    """Return the fields in *shown*, the `repr` of an object such as `User(name='Ada')`."""
    return FIELD.findall(shown[:4_000]) if re.match(r"<?\w+[( ]", shown) else []


def _plain(name: str) -> str:
    return re.sub(r"[-_\s]", "", name).lower()
