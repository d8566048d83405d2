"""Values of pairs and entries: `('token', '…')`, `{"name": "token", "value": "…"}`, `<token>…`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bugsly.redact.assignments import value_span
from bugsly.redact.quotes import QUOTE, closing_quote
from bugsly.redact.values import goes_on, is_word, says_nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bugsly.redact.named import Named

    Span = tuple[int, int]

MAX_ENTRY_LENGTH = 400
"""Characters of an entry before the name in it."""
_COMMA = re.compile(rf"{QUOTE},\s{{0,8}}[rbu]?(?P<open>{QUOTE})")
_PAIR_START = re.compile(rf"(?P<outer>[(\[,]\s{{0,8}})?[(\[]\s{{0,8}}[rbu]?{QUOTE}$")
_NAME_KEY = re.compile(
    rf"\b(?:name|key|field|header|param|type|id|k|n){QUOTE}?\s{{0,3}}[:=]\s{{0,3}}[rbu]?{QUOTE}$",
    re.IGNORECASE,
)
_VALUE_KEY = re.compile(
    rf"{QUOTE}(?:\s{{1,4}}[\w-]{{1,20}}=(?:\"[^\"<>]{{0,60}}\"|'[^'<>]{{0,60}}'))?"
    rf"\s{{0,8}},?\s{{0,8}}{QUOTE}?(?:value|val|content){QUOTE}?\s{{0,3}}[:=]\s{{0,3}}",
    re.IGNORECASE,
)
_VALUE_BEFORE = re.compile(
    rf"\b(?:value|val|content){QUOTE}?\s{{0,3}}[:=]\s{{0,3}}[rbu]?(?P<value>{QUOTE}[^\"'\n]{{1,300}}"
    rf"{QUOTE})\s{{0,3}},?\s{{0,8}}{QUOTE}?$",
    re.IGNORECASE,
)
_ELEMENT_START = re.compile(r"(?:<|&lt;)(?:[\w-]{1,30}:)?$")
_ELEMENT = re.compile(r"(?:\s[^<>]{0,100})?(?:>|&gt;)(?=[^<>\s])")
_ELEMENT_TEXT = re.compile(r"(?:[^<&]|&(?!lt;)){1,4000}")
_REFUSED = re.compile(r"(?:\n|\\n)\s{1,8}[^\n]{1,300}?\[type=(?!missing)\w{1,60}, input_value=")


def pair_value(text: str, named: Named) -> Iterator[Span]:
    """Yield the second of a pair that begins with a name, or the argument after an option."""
    comma = _COMMA.match(text, named.end)
    if comma is None:
        return
    inner, outer = closing_quote(text, comma.end(), comma["open"], len(text))
    value = text[comma.end() : inner]
    if says_nothing(value):
        return
    if named.is_option:
        is_pair = not value.startswith("-")
    else:
        start = _PAIR_START.search(text[max(0, named.start - 40) : named.start])
        is_pair = (
            start is not None
            and text[outer : outer + 1] in {")", "]", ""}
            and (start["outer"] is not None or not is_word(value))
        )
    if is_pair:
        yield comma.start("open"), outer


def entry_value(text: str, named: Named) -> Iterator[Span]:
    """Yield the value of an entry that has the name as its name."""
    key = _VALUE_KEY.match(text, named.end)
    if key is not None and _NAME_KEY.search(text[max(0, named.start - 40) : named.start]):
        span = value_span(text, key.end(), named, is_spoken=False)
        if span is not None:
            yield span


def value_before(text: str, named: Named) -> Iterator[Span]:
    """Yield the value of an entry that has its value before its name."""
    start = max(0, named.start - MAX_ENTRY_LENGTH)
    key = _NAME_KEY.search(text[max(0, named.start - 40) : named.start])
    if key is None:
        return
    head = text[start : max(0, named.start - 40) + key.start()]
    found = _VALUE_BEFORE.search(head)
    if found is not None and not says_nothing(found["value"]):
        yield start + found.start("value"), start + found.end("value")


def element_text(text: str, named: Named) -> Iterator[Span]:
    """Yield the text of an element of XML with the name."""
    if _ELEMENT_START.search(text[max(0, named.start - 40) : named.start]) is None:
        return
    opened = _ELEMENT.match(text, named.end)
    inside = None if opened is None else _ELEMENT_TEXT.match(text, opened.end())
    if inside is not None and not goes_on(inside[0]):
        yield inside.span()


def refused_input(text: str, named: Named) -> Iterator[Span]:
    """Yield the input that a validation refused for the field of the name."""
    refused = _REFUSED.match(text, named.end)
    if refused is not None:
        span = value_span(text, refused.end(), named, is_spoken=False)
        if span is not None:
            yield span
