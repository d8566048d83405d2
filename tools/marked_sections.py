"""Replaces the part of a page that a command makes, between two comments that name it."""

from __future__ import annotations

import re


def replace_marked(page: str, name: str, text: str) -> str:
    """Return *page* with *text* between the marks of *name*, which are added where missing."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    marked = f"{begin}\n{text}\n{end}\n"
    if begin not in page:
        return f"{page}\n{marked}"
    return re.sub(f"{begin}.*?{end}\n", lambda _: marked, page, flags=re.DOTALL)
