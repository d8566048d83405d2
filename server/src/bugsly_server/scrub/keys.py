"""Which keys, names of locals among them, speak of a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum, auto
from itertools import pairwise

WORDS = frozenset(
    {
        *("auth", "authorization", "bearer", "cookie", "cookies", "credential", "credentials"),
        *("csrf", "csrftoken", "cvc", "cvv", "dsn", "jwt", "passphrase", "passwd", "password"),
        *("passwords", "pwd", "secret", "secrets", "sessionid", "ssn", "token", "tokens", "xsrf"),
    }
)
PARTS = ("passw", "secret", "credential", "apikey", "accesskey", "privatekey", "creditcard")
PAIRS = frozenset(
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
SOURCE = frozenset({"context_line", "pre_context", "post_context"})
"""Keys of a frame's source lines."""
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
LONGEST_NAME = 20
"""Of a key that cannot be a secret itself."""
LONGEST = 100
"""A longer key is no name."""
MOST_REMEMBERED = 10_000


class Nature(Enum):
    """Why a key wants a closer look."""

    SECRET = auto()
    """It speaks of one."""
    SOURCE = auto()
    """It holds source lines, where a name in front of `=` is code."""
    LONG = auto()
    """It may be a secret itself."""


class Natures(dict[str, Nature | None]):
    """Says as `natures[key]` of what nature a key is, None of most; remembers what it said.

    *more* are names of secrets besides; case and separators in them do not matter.
    """

    def __init__(self, more: Iterable[str] = ()) -> None:
        super().__init__(dict.fromkeys(SOURCE, Nature.SOURCE))
        self._more = frozenset(_plain(name) for name in more if _plain(name))

    def __missing__(self, key: str) -> Nature | None:
        """Return it of a key that was not asked about before."""
        known = Nature.LONG if len(key) > LONGEST_NAME else None
        if self._speaks(key):
            known = Nature.SECRET
        if len(self) < MOST_REMEMBERED:
            self[key] = known
        return known

    def _speaks(self, key: str) -> bool:
        if len(key) > LONGEST:
            return False
        plain = _plain(key)
        if plain in self._more or plain in WORDS or any(part in plain for part in PARTS):
            return True
        words = [word.lower() for word in WORD.findall(key)]
        return not WORDS.isdisjoint(words) or not PAIRS.isdisjoint(pairwise(words))


def _plain(key: str) -> str:
    return "".join(letter for letter in key.lower() if letter.isalnum())
