"""Redacts literals in source that are given to the name of a secret."""

from __future__ import annotations

import re

from bugsly.redact.values import REDACTED

_SENSITIVE_WORDS = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|(?:api|access|private|auth|signing|encryption)[_-]?key"
    r"|credentials?|dsn|authori[sz]ation|cookie|session(?:[_-]?(?:id|key))?|[cx]srf|otp|cvv|cvc|iban"
)
"""Broader than the names of secrets in texts: what is around a literal is code, which stays."""
SECRET_LITERAL = re.compile(
    rf"""((?:{_SENSITIVE_WORDS}|pass(?=['"\]\s=:]))\w{{0,40}}['"]?\]?\s*(?::\s*\w+\s*)?[:=]\s*[rbfuRBFU]{{0,2}})(['"])([^'"\n]+)\2""",
    re.IGNORECASE,
)


def redact_literals(text: str) -> str:
    """Return source *text* with literals redacted that are given to the name of a secret."""
    return SECRET_LITERAL.sub(lambda match: f"{match[1]}{match[2]}{REDACTED}{match[2]}", text)
