"""Finds where a quoted text ends, also where it is quoted within other quoted texts."""

from __future__ import annotations

import re

QUOTE = r"""(?:\\{0,16}["'`]|%2[27]|&quot;|&#3[49];|\\{1,8}u002[27])"""
"""A quotation mark as JSON, Python, queries and HTML write it, however deep it is quoted itself."""
MAX_LINE_LENGTH = 10_000
"""Characters up to which the end of a quoted text is looked for."""
_MARK = re.compile(r"""(?<!\\)(\\*)(["'`])""")


def closing_quote(text: str, position: int, quote: str, stop: int) -> tuple[int, int]:
    """Return where the text ends that *quote* opened before *position*, and where its quote does.

    Without a closing quote both are where the line ends, *stop* at most.
    """
    stop = min(stop, position + MAX_LINE_LENGTH)
    line_end = text.find("\n", position, stop)
    stop = stop if line_end < 0 else line_end
    if quote[-1] not in "\"'`":
        end = text.find(quote, position, stop)
        return (stop, stop) if end < 0 else (end, end + len(quote))
    depth = len(quote) - 1
    for found in _MARK.finditer(text, position, stop):
        slashes = len(found[1])
        if found[2] == quote[-1] and (slashes % 2 == 0 if depth == 0 else slashes <= depth):
            start = found.start() if depth else found.end() - 1
            return start, found.end()
    return stop, stop
