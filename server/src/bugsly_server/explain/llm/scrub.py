"""Removes secrets and personal data from questions, which are scrubbed before storage already."""

from __future__ import annotations

import re

from bugsly.redact import REDACTED, redact_source

SECRET_PATTERNS = (
    re.compile(r"-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|\Z)"),
    re.compile(r"(?i)(?<=bearer )[\w.~+/=-]{8,}|(?<=basic )[\w+/=]{8,}"),
    re.compile(r"\b(?:sk|pk|rk|ghp|gho|ghs|glpat|xox[abp]|AKIA|ASIA|AIza)[-_]?[\w-]{12,}"),
    re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}"),
    re.compile(r"\b(?:\d[ -]?){13,19}\b"),
    re.compile(r"\b[0-9a-fA-F]{32,}\b"),
    re.compile(r"(?<![\w/.])(?=\S*\d)(?=\S*[A-Z])(?=\S*[a-z])[A-Za-z0-9+/]{40,}={0,2}(?![\w/.])"),
    re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b"),
)
"""PEM keys, credentials in headers, keys by their prefix, mail addresses, card numbers,
hexadecimal digests, long Base64 and IPv4 addresses."""


def scrub(text: str) -> str:
    """Return *text* without what looks like a secret or identifies a person or a machine."""
    text = redact_source(text)
    for pattern in SECRET_PATTERNS:
        text = pattern.sub(REDACTED, text)
    return text
