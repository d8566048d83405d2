"""Renders Markdown with a library, as a tracker would, and names what acts in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
"""CommonMark, HTML included, with what most trackers add to it."""
TEXT_TYPES = frozenset({"text", "softbreak", "hardbreak", "inline", "paragraph_open"})


def markup_counts(markdown: str) -> Counter[str]:
    """Return how often each kind of markup stands in *markdown* once it is rendered."""
    opened = (token for token in _tokens(RENDERER.parse(markdown)) if token.nesting >= 0)
    return Counter(token.type for token in opened if token.type not in TEXT_TYPES)


def _tokens(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _tokens(token.children or ())
