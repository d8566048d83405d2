"""Removes secrets from an event, and cuts what is beyond the bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bugsly.redact import REDACTED, find_secrets, find_source_secrets, is_opaque, says_nothing
from bugsly_server.scrub.secret_keys import NAME_KEYS, VALUE_KEYS, KeyClassifier, KeyKind

MAX_TEXT_LENGTH = 8_192
"""Characters of one text."""
MAX_DEPTH = 30
MAX_VALUES = 40_000
MAX_REMOVALS = 100
MAX_PATH_LENGTH = 200
MAX_PATH_KEY_LENGTH = 60
KEY_REASON = "key that speaks of a secret"
MAX_REMEMBERED_TEXTS = 20_000
MAX_REMEMBERED_LENGTH = 300
MAX_SOURCE_LINES = 100
MAX_ENTRY_KEYS = 8
"""Of a mapping that may be an entry with a name and a value."""
MIN_CARD_NUMBER = 10**12
MIN_CARD_DIGITS = 13
"""Of a card; which digits a text with fewer has does not matter to any rule."""
DIGITS_TO_ZERO = str.maketrans("123456789", "0" * 9)
HARMLESS_TYPES = frozenset({type(None), bool, float})


def hides_nothing(raw: Any) -> bool:
    """Return whether *raw*, the value of a key that names a secret, explains a bug and no more."""
    if type(raw) is str:
        return says_nothing(raw)
    if type(raw) is list:
        return all(map(hides_nothing, raw))
    return raw is None or raw is True or raw is False or raw == {}


def is_option(raw: Any) -> bool:
    """Return whether *raw* is an option of a command, as `--password`; it may be quoted."""
    return type(raw) is str and raw.lstrip("'\"")[:1] == "-"


def looks_secret(raw: Any) -> bool:
    """Return whether *raw*, the value of a key that may name a secret, looks like one."""
    return type(raw) is str and is_opaque(raw)


class Removal(NamedTuple):
    """What was removed: where it stood and why, never the value."""

    path: str
    reason: str


class ScrubResult(NamedTuple):
    """A payload without secrets, with up to a hundred removals, and counts of what was cut."""

    payload: dict[str, Any]
    removed: list[Removal]
    truncated: Counter[str]


class Scrubber:
    """Scrubs the events of one project; remembers texts that it found clean.

    Most texts of an event were in the event before.
    """

    def __init__(self, extra_names: Iterable[str] = ()) -> None:
        self.key_kinds = KeyClassifier(extra_names)
        self.clean_texts: set[str] = set()
        self.clean_lines: set[str] = set()

    def scrub(self, payload: dict[str, Any]) -> ScrubResult:
        """Return *payload*, decoded JSON, without what looks like a secret.

        A value is removed when its key names a secret, a part of a text when it looks like one.
        Texts are cut at 8,192 characters, nesting at 30, and all of it at 40,000 values.
        """
        for known in (self.clean_texts, self.clean_lines):
            if len(known) > MAX_REMEMBERED_TEXTS:
                known.clear()
        walk = _ScrubWalk(self.key_kinds, self.clean_texts, self.clean_lines)
        return ScrubResult(walk.mapping(payload, 0), walk.removed, walk.truncated)


@dataclass(slots=True)
class _ScrubWalk:
    key_kinds: KeyClassifier
    clean_texts: set[str]
    clean_lines: set[str]
    removed: list[Removal] = field(default_factory=list)
    truncated: Counter[str] = field(default_factory=Counter)
    path: list[str] = field(default_factory=list)
    values_left: int = MAX_VALUES

    def mapping(self, raw: dict[str, Any], depth: int) -> dict[str, Any]:
        """Return *raw* scrubbed, in place but for keys that were secrets themselves."""
        key_kinds, clean_texts, changed = self.key_kinds, self.clean_texts, {}
        self.values_left -= len(raw)
        if len(raw) <= MAX_ENTRY_KEYS and not VALUE_KEYS.isdisjoint(raw):
            self.entry(raw)
        for key, value in raw.items():
            key_kind, value_type = key_kinds[key], type(value)
            if key_kind is None and (
                value in clean_texts
                if value_type is str
                else value_type in HARMLESS_TYPES or (value_type is int and value < MIN_CARD_NUMBER)
            ):
                continue
            self.path.append(key)
            if key_kind is KeyKind.SECRET or (key_kind is KeyKind.WEAK and looks_secret(value)):
                raw[key] = self.secret(value)
            elif key_kind is KeyKind.SOURCE:
                raw[key] = self.source(value)
            else:
                raw[key] = self.value(value, depth)
            self.path.pop()
            if key_kind is not None and key not in clean_texts and (clean := self.text(key)) != key:
                changed[key] = clean
        for key, clean in changed.items():
            raw[clean] = raw.pop(key)
        return raw

    def entry(self, raw: dict[str, Any]) -> None:
        """Redact the value of an entry that has the name of a secret as its name."""
        name = next((raw[key] for key in NAME_KEYS if key in raw), None)
        if type(name) is str and self.key_kinds[name] is KeyKind.SECRET:
            for key in VALUE_KEYS & raw.keys():
                self.path.append(key)
                raw[key] = self.secret(raw[key])
                self.path.pop()

    def value(self, raw: Any, depth: int) -> Any:
        value_type = type(raw)
        if value_type is str:
            return raw if raw in self.clean_texts else self.text(raw)
        if value_type is not dict and value_type is not list:
            return self.number(raw)
        if self.values_left <= 0:
            self.truncated["part of an event beyond its first 40,000 values"] += 1
            return None
        if depth >= MAX_DEPTH:
            self.truncated["part of an event nested deeper than 30"] += 1
            return None
        return self.mapping(raw, depth + 1) if value_type is dict else self.array(raw, depth + 1)

    def array(self, raw: list[Any], depth: int) -> list[Any]:
        """Return a list scrubbed; a pair that begins with a key is an entry of a mapping."""
        if len(raw) == 2 and type(raw[0]) is str and self.key_kinds[raw[0]] is KeyKind.SECRET:
            self.path.append(raw[0])
            raw[1] = self.secret(raw[1])
            self.path.pop()
            return raw
        if len(raw) > self.values_left:
            self.truncated["part of an event beyond its first 40,000 values"] += 1
            del raw[max(0, self.values_left) :]
        self.values_left -= len(raw)
        is_argument = False
        for index, item in enumerate(raw):
            self.path.append(str(index))
            raw[index] = self.argument(item) if is_argument else self.value(item, depth)
            self.path.pop()
            is_argument = (
                type(item) is str and is_option(item) and self.key_kinds[item] is KeyKind.SECRET
            )
        return raw

    def argument(self, raw: Any) -> Any:
        """Return what replaces the argument of an option of a command that takes a secret."""
        return raw if is_option(raw) else self.secret(raw)

    def secret(self, raw: Any) -> Any:
        """Return what replaces the value of a key that names a secret."""
        if hides_nothing(raw):
            return raw
        self.note_removal(KEY_REASON)
        return REDACTED

    def source(self, raw: Any) -> Any:
        """Return lines of source without the literals that look like secrets."""
        if type(raw) is list:
            return [
                one if type(one) is str and one in self.clean_lines else self.source_line(one)
                for one in raw[:MAX_SOURCE_LINES]
            ]
        return self.source_line(raw)

    def source_line(self, raw: Any) -> str | None:
        """Return one line; None where it is no text."""
        if type(raw) is not str:
            return None
        if raw in self.clean_lines:
            return raw
        line = raw[:MAX_TEXT_LENGTH]
        clean, reasons = find_source_secrets(line)
        for reason in reasons:
            self.note_removal(reason)
        if not reasons and len(line) <= MAX_REMEMBERED_LENGTH:
            self.clean_lines.add(line)
        return clean

    def text(self, raw: str) -> str:
        """Return a text without what looks like a secret."""
        shape = raw.translate(DIGITS_TO_ZERO) if raw.isascii() else raw
        if shape in self.clean_texts and shape.count("0") < MIN_CARD_DIGITS:
            self.clean_texts.add(raw)
            return raw
        if len(raw) > MAX_TEXT_LENGTH:
            self.truncated["text of an event cut at 8,192 characters"] += 1
        text, reasons = find_secrets(raw[:MAX_TEXT_LENGTH])
        for reason in reasons:
            self.note_removal(reason)
        if not reasons and len(text) <= MAX_REMEMBERED_LENGTH:
            self.clean_texts |= {text, shape}
        return text

    def number(self, raw: Any) -> Any:
        """Return a number, true, false or null; a card may come as a number too."""
        if type(raw) is not int or raw < MIN_CARD_NUMBER:
            return raw
        clean = self.text(str(raw))
        return raw if clean == str(raw) else clean

    def note_removal(self, reason: str) -> None:
        """Note what was removed at the current path."""
        if len(self.removed) < MAX_REMOVALS:
            path = ".".join(key[:MAX_PATH_KEY_LENGTH] for key in self.path)
            self.removed.append(Removal(find_secrets(path[:MAX_PATH_LENGTH]).text, reason))
