"""Classifies keys, including names of locals: which of them name a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum, auto
from itertools import pairwise

SECRET_WORDS = frozenset(
    {
        *("auth", "authorization", "bearer", "cookie", "cookies", "credential", "credentials"),
        *("csrf", "csrftoken", "cvc", "cvv", "dsn", "jwt", "passphrase", "passwd", "password"),
        *("passwords", "pwd", "secret", "secrets", "sessionid", "ssn", "token", "tokens", "xsrf"),
    }
)
SECRET_PARTS = ("passw", "secret", "credential", "apikey", "accesskey", "privatekey", "creditcard")
SECRET_WORD_PAIRS = frozenset(
    {
        ("access", "key"),
        ("api", "key"),
        ("auth", "key"),
        ("card", "number"),
        ("encryption", "key"),
        ("private", "key"),
        ("session", "id"),
        ("session", "key"),
        ("signing", "key"),
        ("ssh", "key"),
    }
)
SOURCE_LINE_KEYS = frozenset({"context_line", "pre_context", "post_context"})
"""Keys of a frame's source lines."""
WORD_PATTERN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
MAX_ORDINARY_KEY_LENGTH = 20
"""Length of a key that cannot be a secret itself."""
MAX_KEY_LENGTH = 100
"""A longer key is not a name."""
MAX_REMEMBERED_KEYS = 10_000


class KeyKind(Enum):
    """Why a key needs a closer look."""

    SECRET = auto()
    """It names a secret."""
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
        known = KeyKind.LONG if len(key) > MAX_ORDINARY_KEY_LENGTH else None
        if self._names_secret(key):
            known = KeyKind.SECRET
        if len(self) < MAX_REMEMBERED_KEYS:
            self[key] = known
        return known

    def _names_secret(self, key: str) -> bool:
        if len(key) > MAX_KEY_LENGTH:
            return False
        plain = _letters_and_digits(key)
        if (
            plain in self._extra_names
            or plain in SECRET_WORDS
            or any(part in plain for part in SECRET_PARTS)
        ):
            return True
        words = [word.lower() for word in WORD_PATTERN.findall(key)]
        return not SECRET_WORDS.isdisjoint(words) or not SECRET_WORD_PAIRS.isdisjoint(
            pairwise(words)
        )


def _letters_and_digits(key: str) -> str:
    return "".join(letter for letter in key.lower() if letter.isalnum())
