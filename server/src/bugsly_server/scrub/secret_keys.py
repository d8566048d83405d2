"""Classifies keys, including names of locals: which of them name a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum, auto

from bugsly.redact import NameKind, name_kind

SOURCE_LINE_KEYS = frozenset({"context_line", "pre_context", "post_context"})
"""Keys of a frame's source lines."""
NAME_KEYS = ("name", "key", "field", "header", "Name", "Key")
VALUE_KEYS = frozenset({"value", "val", "content", "Value"})
"""Keys of an entry such as `{"name": "password", "value": "…"}`."""
MAX_ORDINARY_KEY_LENGTH = 20
"""Length of a key that cannot be a secret itself."""
MAX_KEY_LENGTH = 100
"""A longer key is not a name."""
NO_NAME = re.compile(r"[=;\n]|: ")
"""What a name does not have in it."""
MAX_REMEMBERED_KEYS = 10_000


class KeyKind(Enum):
    """Why a key needs a closer look."""

    SECRET = auto()
    """It names a secret."""
    WEAK = auto()
    """It names a secret if its value looks like one: `session`, `auth`."""
    SOURCE = auto()
    """It holds source lines, where a name before `=` is code."""
    LONG = auto()
    """It may be a secret itself."""


class KeyClassifier(dict[str, KeyKind | None]):
    """Maps a key to its `KeyKind`, most keys to None; remembers what it found.

    *extra_names* are further names of secrets; case and separators in them do not matter.
    """

    def __init__(self, extra_names: Iterable[str] = ()) -> None:
        super().__init__(dict.fromkeys(SOURCE_LINE_KEYS, KeyKind.SOURCE))
        self._extra_names = frozenset(
            _letters_and_digits(name) for name in extra_names if _letters_and_digits(name)
        )

    def __missing__(self, key: str) -> KeyKind | None:
        """Classify a key that was not looked up before."""
        known = self._kind(key)
        if len(self) < MAX_REMEMBERED_KEYS:
            self[key] = known
        return known

    def _kind(self, key: str) -> KeyKind | None:
        if len(key) <= MAX_KEY_LENGTH and not NO_NAME.search(key):
            if _letters_and_digits(key) in self._extra_names:
                return KeyKind.SECRET
            known = name_kind(key)
            if known is not None:
                return KeyKind.WEAK if known is NameKind.WEAK else KeyKind.SECRET
        return KeyKind.LONG if len(key) > MAX_ORDINARY_KEY_LENGTH else None


def _letters_and_digits(key: str) -> str:
    return "".join(letter for letter in key.lower() if letter.isalnum())
