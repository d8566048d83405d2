"""Walks through an event and takes out what is secret or beyond all bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bugsly.redact import GONE, redact_source
from bugsly_server.scrub.keys import Nature, Natures
from bugsly_server.scrub.values import without_secrets

LONGEST = 8_192
"""Characters of one text."""
DEEPEST = 30
MOST_NODES = 40_000
MOST_TOLD = 100
LONGEST_PATH = 200
LONGEST_STEP = 60
BY_KEY = "key that speaks of a secret"
EMPTY = frozenset(
    {"", "''", '""', "None", "null", "True", "False", "undefined", GONE, "[Filtered]"}
)
"""Texts that hide nothing, and that a missing secret is found by."""
MOST_REMEMBERED = 20_000
LONGEST_REMEMBERED = 300
MOST_LINES = 100
SMALLEST_CARD = 10**12
FEWEST_DIGITS = 13
"""Of a card; which digits a text with fewer has does not matter to any rule."""
ZEROS = str.maketrans("123456789", "0" * 9)
HARMLESS = frozenset({type(None), bool, float})


class Removal(NamedTuple):
    """What was taken out: where it stood, and why, and never the value."""

    path: str
    reason: str


class Scrubbed(NamedTuple):
    """A payload without secrets, with up to a hundred of what was removed, and what was cut."""

    loose: dict[str, Any]
    removed: list[Removal]
    cut: Counter[str]


class Scrubber:
    """Knows what one project holds secret; remembers texts that it found clean.

    Most texts of an event were in the one before.
    """

    def __init__(self, more: Iterable[str] = ()) -> None:
        self.keys = Natures(more)
        self.clean: set[str] = set()
        self.lines: set[str] = set()

    def scrub(self, loose: dict[str, Any]) -> Scrubbed:
        """Return *loose*, which is JSON decoded, without what looks like a secret.

        A value goes when its key speaks of a secret, a part of a text when it looks like one.
        Texts are cut at 8,192 characters, nesting at 30, and all of it at 40,000 values.
        """
        for known in (self.clean, self.lines):
            if len(known) > MOST_REMEMBERED:
                known.clear()
        walk = _Walk(self.keys, self.clean, self.lines)
        return Scrubbed(walk.mapping(loose, 0), walk.removed, walk.cut)


@dataclass(slots=True)
class _Walk:
    keys: Natures
    clean: set[str]
    lines: set[str]
    removed: list[Removal] = field(default_factory=list)
    cut: Counter[str] = field(default_factory=Counter)
    path: list[str] = field(default_factory=list)
    left: int = MOST_NODES

    def mapping(self, loose: dict[str, Any], depth: int) -> dict[str, Any]:
        """Return *loose* clean, changed in place but for keys that were secrets themselves."""
        keys, known, changed = self.keys, self.clean, {}
        self.left -= len(loose)
        for key, value in loose.items():
            nature, kind = keys[key], type(value)
            if nature is None and (
                value in known
                if kind is str
                else kind in HARMLESS or (kind is int and value < SMALLEST_CARD)
            ):
                continue
            self.path.append(key)
            if nature is Nature.SECRET:
                loose[key] = self.secret(value)
            elif nature is Nature.SOURCE:
                loose[key] = self.source(value)
            else:
                loose[key] = self.value(value, depth)
            self.path.pop()
            if nature is not None and key not in known and (clean := self.text(key)) != key:
                changed[key] = clean
        for key, clean in changed.items():
            loose[clean] = loose.pop(key)
        return loose

    def value(self, loose: Any, depth: int) -> Any:
        kind = type(loose)
        if kind is str:
            return loose if loose in self.clean else self.text(loose)
        if kind is not dict and kind is not list:
            return self.number(loose)
        if self.left <= 0:
            self.cut["part of an event beyond its first 40,000 values"] += 1
            return None
        if depth >= DEEPEST:
            self.cut["part of an event nested deeper than 30"] += 1
            return None
        return self.mapping(loose, depth + 1) if kind is dict else self.array(loose, depth + 1)

    def array(self, loose: list[Any], depth: int) -> list[Any]:
        """Return a list clean; one of two whose first is a key is an entry of a mapping."""
        if len(loose) == 2 and type(loose[0]) is str and self.keys[loose[0]] is Nature.SECRET:
            self.path.append(loose[0])
            loose[1] = self.secret(loose[1])
            self.path.pop()
            return loose
        if len(loose) > self.left:
            self.cut["part of an event beyond its first 40,000 values"] += 1
            del loose[max(0, self.left) :]
        self.left -= len(loose)
        for index, one in enumerate(loose):
            self.path.append(str(index))
            loose[index] = self.value(one, depth)
            self.path.pop()
        return loose

    def secret(self, loose: Any) -> Any:
        """Return what is left of the value of a key that speaks of a secret."""
        if loose is None or loose is True or loose is False or loose in ([], {}):
            return loose
        if isinstance(loose, str) and loose in EMPTY:
            return loose
        self.tell(BY_KEY)
        return GONE

    def source(self, loose: Any) -> Any:
        """Return lines of source without the literals that look like secrets."""
        if type(loose) is list:
            return [
                one if type(one) is str and one in self.lines else self.source(one)
                for one in loose[:MOST_LINES]
            ]
        if type(loose) is not str:
            return None
        if loose in self.lines:
            return loose
        line = loose[:LONGEST]
        clean, _ = without_secrets(redact_source(line), code=True)
        if clean != line:
            self.tell("literal in the source that looks like a secret")
        elif len(line) <= LONGEST_REMEMBERED:
            self.lines.add(line)
        return clean

    def text(self, loose: str) -> str:
        """Return a text without what looks like a secret."""
        shape = loose.translate(ZEROS) if loose.isascii() else loose
        if shape in self.clean and shape.count("0") < FEWEST_DIGITS:
            self.clean.add(loose)
            return loose
        if len(loose) > LONGEST:
            self.cut["text of an event cut at 8,192 characters"] += 1
        text, reasons = without_secrets(loose[:LONGEST])
        for reason in reasons:
            self.tell(reason)
        if not reasons and len(text) <= LONGEST_REMEMBERED:
            self.clean |= {text, shape}
        return text

    def number(self, loose: Any) -> Any:
        """Return a number, true, false or null; a card may come as a number too."""
        if type(loose) is not int or loose < SMALLEST_CARD:
            return loose
        clean = self.text(str(loose))
        return loose if clean == str(loose) else clean

    def tell(self, reason: str) -> None:
        """Note what was taken out at the present path."""
        if len(self.removed) < MOST_TOLD:
            path = ".".join(key[:LONGEST_STEP] for key in self.path)
            self.removed.append(Removal(without_secrets(path[:LONGEST_PATH])[0], reason))
