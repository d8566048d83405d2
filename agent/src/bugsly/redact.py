"""Takes secrets out of text before it leaves the process."""

from __future__ import annotations

import re

GONE = "[redacted]"
_WORD = r"pass(?:word|wd|phrase)?|secret|token|api_?key|access_?key|private_?key|credentials?|dsn"
_LITERAL = re.compile(
    rf"""((?:\w*(?:{_WORD})\w*)['"]?\]?\s*(?::\s*\w+\s*)?[:=]\s*[rbfuRBFU]{{0,2}})(['"])([^'"\n]+)\2""",
    re.IGNORECASE,
)
_USER_IN_ADDRESS = re.compile(r"(\w+://[^\s:/@'\"]*:)[^\s@'\"]+(@)")


def redact_source(text: str) -> str:
    """Return source *text* with the same lines, the literals that look like secrets left out.

    A literal does when the name it is given to speaks of a secret, or when it is an address with
    a password in it.
    """
    text = _LITERAL.sub(lambda found: f"{found[1]}{found[2]}{GONE}{found[2]}", text)
    return _USER_IN_ADDRESS.sub(rf"\1{GONE}\2", text)
