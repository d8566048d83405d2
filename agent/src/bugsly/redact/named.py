"""The name of a secret in a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from bugsly.redact.secret_names import split_name

if TYPE_CHECKING:
    from bugsly.redact.secret_names import NameKind

HEADER_WORDS = frozenset({"authorization", "authorisation", "authentication"})
CODE_WORDS = frozenset({"code", "cvc", "cvv", "otp", "passcode", "pin", "totp"})
_IDENTIFIER = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+){0,8}")


class Named(NamedTuple):
    """The name of a secret, and where it stands."""

    kind: NameKind
    name: str
    start: int
    end: int
    is_option: bool
    """Whether it is an option of a command: `--password`."""

    @property
    def is_authorization(self) -> bool:
        """Return whether its value is a scheme and credentials."""
        return split_name(self.name)[-1] in HEADER_WORDS

    @property
    def is_cookie(self) -> bool:
        """Return whether its value is a header with cookies."""
        return split_name(self.name)[-1] in {"cookie", "cookies"}

    @property
    def is_code(self) -> bool:
        """Return whether its value is a few digits."""
        return not CODE_WORDS.isdisjoint(split_name(self.name))

    @property
    def is_one_word(self) -> bool:
        """Return whether the name is a word as a sentence may have it."""
        return len(split_name(self.name)) == 1

    def names_itself(self, value: str) -> bool:
        """Return whether *value* is code that reads the secret: `password=form.password`."""
        if _IDENTIFIER.fullmatch(value) is None:
            return False
        last = "".join(split_name(value.rpartition(".")[2]))
        return len(last) > 2 and "".join(split_name(self.name)).endswith(last)
