"""Makes texts on which a regular expression may take long, and measures how its time grows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from importlib import import_module
from time import thread_time
from typing import Any

_PARSER: Any = import_module("re._parser")
COMMON_PIECES = (
    *("eyJ-", "+a", "a=", "://", "'", '"', " ", "\\", "\n", "a", "0", "-", ".", "(", "[", "_a"),
    *("x://y:", "token", "password=", "\\'", "a.", "@", "key: ", "<a ", "%22", "A", ","),
)
FILLERS = ("a", "0", " ", "-", "'")
MAX_HARMLESS_REPEATS = 10
SCREEN_LENGTH = 4_000
MAX_SCREEN_SECONDS = 0.003
"""Up to which a text of `SCREEN_LENGTH` is not looked at more closely: 0.75 µs a character."""
FIT_LENGTHS = (4_000, 8_000, 16_000, 32_000)
ENOUGH_SECONDS = 0.04
"""Of one text, to tell how the time grows."""
HANGING_SECONDS = 0.05


def attack_pieces(pattern: str | bytes, flags: int) -> Iterator[tuple[str, str]]:
    """Yield a beginning and a piece to repeat after it, of the pattern's own parts and others.

    None for a pattern that repeats nothing: its time is in proportion by construction.
    """
    text = pattern if isinstance(pattern, str) else pattern.decode("latin-1")
    found: set[tuple[str, str]] = set()
    for prefix, body in _repeats(list(_PARSER.parse(text, flags)), ""):
        found |= {("", body), (prefix, body), ("", prefix + body), ("", prefix)}
        found |= {(prefix, filler) for filler in FILLERS}
    if found:
        found |= {("", piece) for piece in COMMON_PIECES}
    yield from sorted((prefix, body) for prefix, body in found if body)


def time_growth(apply: Callable[[str], object], prefix: str, piece: str) -> float:
    """Return the exponent of the time of *apply* over the length of *piece* repeated.

    1 for what is fast anyway; infinite for what hangs on a short text.
    """
    for length in (24, 200, 600, 1_500):
        if _seconds(apply, _text(prefix, piece, length)) > HANGING_SECONDS:
            return math.inf
    if _seconds(apply, _text(prefix, piece, SCREEN_LENGTH)) <= MAX_SCREEN_SECONDS:
        return 1.0
    times = [_fastest(apply, _text(prefix, piece, FIT_LENGTHS[0]))]
    for length in FIT_LENGTHS[1:]:
        times.append(_fastest(apply, _text(prefix, piece, length)))
        if times[-1] > ENOUGH_SECONDS:
            break
    return math.log(times[-1] / times[0]) / math.log(2) / (len(times) - 1)


def _text(prefix: str, piece: str, length: int) -> str:
    return f"{prefix}{piece * (length // len(piece))}\0"


def _fastest(apply: Callable[[str], object], text: str) -> float:
    return min(_seconds(apply, text) for _ in range(3))


def _seconds(apply: Callable[[str], object], text: str) -> float:
    started_at = thread_time()
    apply(text)
    return thread_time() - started_at


def _repeats(nodes: list[Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield a sample of what stands before each repeat, and of what it repeats."""
    for kind, argument in nodes:
        for inner in _inner(kind, argument):
            if str(kind).endswith("REPEAT") and argument[1] > MAX_HARMLESS_REPEATS:
                yield prefix, _sample(inner)
            yield from _repeats(inner, prefix)
        prefix += _sample([(kind, argument)])


def _inner(kind: Any, argument: Any) -> list[list[Any]]:
    """Return the sequences in a node of a parsed expression."""
    match str(kind):
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return [list(argument[2])]
        case "SUBPATTERN":
            return [list(argument[3])]
        case "BRANCH":
            return [list(branch) for branch in argument[1]]
        case "ASSERT" | "ASSERT_NOT":
            return [list(argument[1])]
        case "ATOMIC_GROUP":
            return [list(argument)]
        case _:
            return []


def _sample(nodes: list[Any]) -> str:
    """Return a short text that the nodes match, more or less."""
    parts = []
    for kind, argument in nodes:
        name = str(kind)
        if name == "LITERAL":
            parts.append(chr(argument))
        elif name in {"ANY", "NOT_LITERAL"}:
            parts.append("a" if argument != ord("a") else "b")
        elif name == "IN":
            parts.append(_member(argument))
        elif name.endswith("REPEAT"):
            parts.append(_sample(list(argument[2])) * max(1, min(argument[0], 40)))
        elif name in {"SUBPATTERN", "BRANCH"}:
            parts.append(_sample(_inner(kind, argument)[0]))
    return "".join(parts)


def _member(items: list[Any]) -> str:
    """Return a character of a set."""
    kinds = {"CATEGORY_DIGIT": "0", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " "}
    negated = str(items[0][0]) == "NEGATE"
    chosen = []
    for kind, argument in items:
        name = str(kind)
        if name == "LITERAL":
            chosen.append(chr(argument))
        elif name == "RANGE":
            chosen.append(chr(argument[0]))
        elif name == "CATEGORY":
            chosen.append(kinds.get(str(argument), "."))
    if negated:
        return next(letter for letter in "a0 .-<\"'\n" if letter not in chosen)
    return chosen[0]
