"""Redacts values that follow the name of a secret in a text, however both are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bugsly.redact import assignments, entries
from bugsly.redact.named import Named
from bugsly.redact.secret_names import name_kind
from bugsly.redact.statements import replace_spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Span = tuple[int, int]

MAX_NAME_LENGTH = 60
"""Characters of a name before and after the part that it is found by."""
STEM = re.compile(
    r"pass|pwd|secret|token|key|cred|cookie|srf|auth|sess|sid|otp|pin|cvv|cvc|ssn|dsn|iban|sig"
    r"|jwt|bearer|code|number|card|magic|kennwort|contrase|senha"
)
"""Parts of which each name of a secret has one."""
NAME_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
TWO_WORDS = frozenset({"key", "code", "number"})
"""Names that need the word before them: `api key`, `verification code`."""
FINDERS: tuple[Callable[[str, Named], Iterable[Span]], ...] = (
    assignments.assigned,
    assignments.option_value,
    entries.pair_value,
    entries.entry_value,
    entries.value_before,
    entries.element_text,
    entries.refused_input,
    assignments.spoken,
)
_RIGHT = re.compile(r"[\w.-]{0,60}")
_WORD_BEFORE = re.compile(r"(\w{2,30}) $")


def redact_named_values(text: str, lowered: str) -> str:
    """Return *text* without values that follow the name of a secret."""
    spans: list[Span] = []
    done = free = 0
    for hit in STEM.finditer(lowered):
        if hit.start() < done:
            continue
        named, done = _name_around(text, hit.start(), free)
        if named is None:
            continue
        found = next(filter(None, (list(finder(text, named)) for finder in FINDERS)), [])
        for span in found:
            if span[0] >= free:
                spans.append(span)
                free = span[1]
        done = max(done, free)
    return replace_spans(text, spans)


def _name_around(text: str, position: int, free: int) -> tuple[Named | None, int]:
    """Return the name of a secret around *position* but not before *free*, and where it ends."""
    left = text[max(free, position - MAX_NAME_LENGTH) : position]
    start = position - (len(left) - len(left.rstrip(NAME_LETTERS)))
    match = _RIGHT.match(text, position)
    end = position if match is None else match.end()
    start += _length_of_escape(text, start)
    name = text[start:end].rstrip(".-")
    name_end = start + len(name)
    bare = name.lstrip(".-")
    spoken = bare
    if bare.lower() in TWO_WORDS:
        word = _WORD_BEFORE.search(text[max(free, start - 31) : start])
        spoken = f"{word[1]}_{bare}" if word else bare
    kind = name_kind(spoken)
    if kind is None:
        return None, max(end, position + 1)
    begin = start + len(name) - len(bare)
    return Named(kind, spoken, begin, name_end, is_option=name.startswith("-")), name_end


def _length_of_escape(text: str, start: int) -> int:
    """Return how many letters before a name belong to an escape: of a line end, of a query."""
    before = text[start - 1 : start]
    if before == "\\" and text[start : start + 1] in {"n", "r", "t"}:
        return 1
    return 2 if before == "%" else 0
