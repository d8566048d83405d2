"""Reads the comments that say which rules a line is excepted from."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator, Mapping

COMMENT = re.compile(r"#\s*bugsly:\s*ignore\b(?:\[(?P<codes>[^\]]{0,200})\])?", re.IGNORECASE)
ALL_CODES = frozenset({"*"})
"""What a comment without codes stands for."""


def read_suppressions(text: str) -> dict[int, frozenset[str]]:
    """Return the codes that comments in *text* ignore, by line; `ALL_CODES` where none is named."""
    if COMMENT.search(text) is None:
        return {}
    return {line: _codes(found) for line, found in _comments(text)}


def _comments(text: str) -> Iterator[tuple[int, re.Match[str]]]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            found = COMMENT.search(token.string) if token.type == tokenize.COMMENT else None
            if found is not None:
                yield token.start[0], found
    except (tokenize.TokenError, SyntaxError):
        return


def _codes(found: re.Match[str]) -> frozenset[str]:
    codes = frozenset(re.split(r"[,\s]+", (found["codes"] or "").upper())) - {""}
    return codes or ALL_CODES


def is_suppressed(
    code: str, lines: tuple[int, int], suppressed: Mapping[int, frozenset[str]]
) -> bool:
    """Return whether the first or the last of *lines* is excepted from the rule *code*."""
    return any(
        codes is not None and (codes == ALL_CODES or code in codes)
        for codes in map(suppressed.get, lines)
    )
