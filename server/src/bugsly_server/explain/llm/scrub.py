"""Removes secrets and personal data from questions, whose events were scrubbed before storage."""

from __future__ import annotations

import re

from bugsly.redact import REDACTED, redact_source, redact_text

MAX_SECRET_LENGTH = 500
"""Characters that it takes to recognize a secret."""
PERSONAL_PATTERNS = (
    re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}"),
    re.compile(r"\b(?:\d[ -]?){13,19}\b"),
    re.compile(r"\b[0-9a-fA-F]{32,}\b"),
    re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"),
)
"""Mail addresses, long numbers, hexadecimal digests and IPv4 addresses."""
LONG_BASE64 = re.compile(r"(?<![\w/.+])[A-Za-z0-9+/]{40,}={0,2}(?![\w/.])")
KEY_PREFIX = re.compile(r"\b(?:sk|pk|rk|ghp|gho|ghs|glpat|xox[abp]|AKIA|ASIA|AIza)[-_]?[\w-]{12,}")


def scrub(text: str) -> str:
    """Return *text*, lines of source or of a trace, without secrets and personal data."""
    return _without_personal_data(redact_source(text))


def scrub_value(text: str, max_length: int) -> str:
    """Return the beginning of *text*, which a program wrote or held, without secrets.

    A secret that the cut would shorten beyond recognition is seen with what follows it.
    """
    return _without_personal_data(redact_text(text[: max_length + MAX_SECRET_LENGTH]))[:max_length]


def _without_personal_data(text: str) -> str:
    text = LONG_BASE64.sub(_hide_mixed, text)
    for pattern in (KEY_PREFIX, *PERSONAL_PATTERNS):
        text = pattern.sub(REDACTED, text)
    return text


def _hide_mixed(match: re.Match[str]) -> str:
    """Replace a word of Base64 with digits, capitals and small letters in it."""
    word = match[0]
    is_mixed = any(map(str.isdigit, word)) and word != word.lower() and word != word.upper()
    return REDACTED if is_mixed else word
