"""Patterns of secrets that are recognized anywhere in a text: one rule each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bugsly.redact import JSON_WEB_TOKEN, REDACTED, hide_web_token

Match = re.Match[str]


@dataclass(frozen=True, slots=True)
class SecretRule:
    """One kind of secret."""

    reason: str
    hints: tuple[str, ...]
    """In lower case; the pattern matches only texts that have one of them, if there are any."""
    pattern: re.Pattern[str]
    replace: Callable[[Match], str]


def _replace_whole(_match: Match) -> str:
    return REDACTED


def _replace_between(match: Match) -> str:
    return f"{match[1]}{REDACTED}{match[2]}"


def _replace_after(match: Match) -> str:
    return f"{match[1]}{REDACTED}"


def _replace_card(match: Match) -> str:
    return REDACTED if is_card(match[0]) else match[0]


def is_card(text: str) -> bool:
    """Return whether the digits of *text* pass Luhn's check, as those of a payment card do."""
    digits = [int(letter) for letter in reversed(text) if letter.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return 13 <= len(digits) <= 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


TOKEN_PREFIXES = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "sk-", "sk_live_"),
    *("sk_test_", "rk_live_", "akia", "asia", "aiza", "npm_", "pypi-", "hf_", "sg."),
)
SECRET_NAME_HINTS = (
    *("passw", "passp", "secret", "token", "api_key", "api-key", "apikey", "access_key"),
    *("access-key", "accesskey", "private_key", "private-key", "privatekey"),
)
_SENSITIVE_WORDS = (
    r"passw(?:or)?d|passwd|passphrase|secret|token|api_?-?key|access_?-?key|private_?-?key"
)

RULES = (
    SecretRule(
        "password in an address",
        ("://",),
        re.compile(r"(\w://[^\s:/@'\"]{0,200}:)(?!\d{1,5}/)[^\s@'\"]{1,300}(@)"),
        _replace_between,
    ),
    SecretRule(
        "private key",
        ("private key-----",),
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL
        ),
        _replace_whole,
    ),
    SecretRule(
        "JSON web token",
        ("eyj",),
        JSON_WEB_TOKEN,
        hide_web_token,
    ),
    SecretRule(
        "access token of a known service",
        TOKEN_PREFIXES,
        re.compile(
            r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}"
            r"|sk-[\w-]{20,}|[sr]k_(?:live|test)_\w{10,}|A(?:KI|SI)A[0-9A-Z]{16}|AIza[\w-]{30,}"
            r"|npm_\w{30,}|pypi-[\w-]{30,}|hf_\w{20,}|SG\.[\w-]{16,}\.[\w-]{16,})"
        ),
        _replace_whole,
    ),
    SecretRule(
        "credentials of a request",
        ("bearer", "basic"),
        re.compile(
            r"(\b[Bb](?:earer\s+(?=[\w.~+/-]{8})|asic\s+(?=[A-Za-z0-9+/]*[\d=])))[\w.~+/-]{8,}=*"
        ),
        _replace_after,
    ),
    SecretRule(
        "name that speaks of a secret",
        SECRET_NAME_HINTS,
        re.compile(
            rf"((?:{_SENSITIVE_WORDS})[\w-]{{0,40}}(?:=|['\"]?\s?[:=]\s?(?=[rbRB]?['\"])))"
            rf"(?!\[(?:redacted|Filtered)\])(?:[rbRB]?'[^']{{1,500}}'|[rbRB]?\"[^\"]{{1,500}}\"|[^\s&,;'\")\]}}]+)",
            re.IGNORECASE,
        ),
        _replace_after,
    ),
    SecretRule(
        "card number",
        (),
        re.compile(r"[3-6](?<![\w.-].)\d(?:[ -]?\d){11,17}(?![\w.-]?\d)"),
        _replace_card,
    ),
)

HINT_PATTERN = re.compile("|".join(re.escape(hint) for rule in RULES for hint in rule.hints))
RULES_WITHOUT_HINTS = tuple(rule for rule in RULES if not rule.hints)


def redact_secrets(text: str, *, code: bool = False) -> tuple[str, list[str]]:
    """Return *text* with what looks like a secret replaced, and the reasons why.

    In *code* any kind of value may follow a name such as `token =`, so names prove nothing.
    """
    lowered = text.lower()
    reasons = []
    for rule in RULES if HINT_PATTERN.search(lowered) else RULES_WITHOUT_HINTS:
        if code and rule.hints is SECRET_NAME_HINTS:
            continue
        if not rule.hints or any(hint in lowered for hint in rule.hints):
            clean = rule.pattern.sub(rule.replace, text)
            if clean != text:
                reasons.append(rule.reason)
                text = clean
    return text, reasons
