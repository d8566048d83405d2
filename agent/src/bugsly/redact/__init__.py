"""Redacts secrets in text: for the agent before it leaves the process, for the server before disk.

A secret is recognized by its name (`password=…`, `X-Api-Key: …`, `--token …`), by where it stands
(`IDENTIFIED BY '…'`) or by its form (a token of a known kind, a private key, a card number). Where
that leaves a doubt it is redacted. Every step takes time in proportion to the length of the text.
"""

from __future__ import annotations

from typing import NamedTuple

from bugsly.redact.named_values import redact_named_values
from bugsly.redact.secret_forms import redact_forms
from bugsly.redact.secret_names import NameKind, is_secret_name, name_kind
from bugsly.redact.source_literals import redact_literals
from bugsly.redact.statements import redact_commands, redact_statements
from bugsly.redact.values import REDACTED, is_opaque, says_nothing

__all__ = [
    "REDACTED",
    "NameKind",
    "Redaction",
    "find_secrets",
    "find_source_secrets",
    "is_opaque",
    "is_secret_name",
    "name_kind",
    "redact_source",
    "redact_text",
    "says_nothing",
]

NAME_REASON = "name that speaks of a secret"
STATEMENT_REASON = "secret in a statement or a command"
LITERAL_REASON = "literal in the source that looks like a secret"
MAX_PASSES = 4
"""What was removed can make its surroundings look like a secret: passes until nothing changes."""


class Redaction(NamedTuple):
    """A text without secrets, and why what was removed was taken for one, each reason once."""

    text: str
    reasons: tuple[str, ...]


def redact_text(text: str) -> str:
    """Return *text* without secrets, at most three times as long; idempotent."""
    return find_secrets(text).text


def redact_source(text: str) -> str:
    """Return source *text* with the same lines, and literals that look like secrets redacted.

    A literal looks like one when it is assigned to the name of a secret, or by its form.
    """
    return find_source_secrets(text).text


def find_secrets(text: str) -> Redaction:
    """Return *text* without secrets, and the reasons."""
    reasons: list[str] = []
    for _ in range(MAX_PASSES):
        clean, found = _redact_once(text)
        if clean == text:
            break
        text = clean
        reasons += found
    return Redaction(text, tuple(dict.fromkeys(reasons)))


def _redact_once(text: str) -> tuple[str, list[str]]:
    text, reasons = redact_forms(text)
    lowered = _lower(text)
    for redact, reason in (
        (redact_statements, STATEMENT_REASON),
        (redact_commands, STATEMENT_REASON),
        (redact_named_values, NAME_REASON),
    ):
        clean = redact(text, lowered)
        if clean != text:
            reasons.append(reason)
            text, lowered = clean, _lower(clean)
    return text, reasons


def find_source_secrets(text: str) -> Redaction:
    """Return source *text* without secrets, and the reasons; it keeps its lines."""
    clean = redact_literals(text)
    reasons = [LITERAL_REASON] if clean != text else []
    clean, others = redact_forms(clean, keep_lines=True)
    return Redaction(clean, (*reasons, *others))


def _lower(text: str) -> str:
    """Return *text* in lower case and of the same length."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
