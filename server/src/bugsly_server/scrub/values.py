"""What secrets look like wherever they stand: one rule each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bugsly.redact import GONE

Match = re.Match[str]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of secret."""

    reason: str
    hints: tuple[str, ...]
    """In lower case; the pattern matches only texts that have one of them, if there are any."""
    pattern: re.Pattern[str]
    replace: Callable[[Match], str]


def _whole(_found: Match) -> str:
    return GONE


def _between(found: Match) -> str:
    return f"{found[1]}{GONE}{found[2]}"


def _behind(found: Match) -> str:
    return f"{found[1]}{GONE}"


def _card(found: Match) -> str:
    return GONE if is_card(found[0]) else found[0]


def is_card(text: str) -> bool:
    """Return whether the digits of *text* pass Luhn's check, as those of a payment card do."""
    digits = [int(letter) for letter in reversed(text) if letter.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return 13 <= len(digits) <= 19 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


TOKENS = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "sk-", "sk_live_"),
    *("sk_test_", "rk_live_", "akia", "asia", "aiza", "npm_", "pypi-", "hf_", "sg."),
)
NAMES = (
    *("passw", "passp", "secret", "token", "api_key", "api-key", "apikey", "access_key"),
    *("access-key", "accesskey", "private_key", "private-key", "privatekey"),
)
_NAME = r"passw(?:or)?d|passwd|passphrase|secret|token|api_?-?key|access_?-?key|private_?-?key"

RULES = (
    Rule(
        "password in an address",
        ("://",),
        re.compile(r"(\w://[^\s:/@'\"]{0,200}:)(?!\d{1,5}/)[^\s@'\"]{1,300}(@)"),
        _between,
    ),
    Rule(
        "private key",
        ("private key-----",),
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL
        ),
        _whole,
    ),
    Rule(
        "JSON web token",
        ("eyj",),
        re.compile(r"\beyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?"),
        _whole,
    ),
    Rule(
        "access token of a known service",
        TOKENS,
        re.compile(
            r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}"
            r"|sk-[\w-]{20,}|[sr]k_(?:live|test)_\w{10,}|A(?:KI|SI)A[0-9A-Z]{16}|AIza[\w-]{30,}"
            r"|npm_\w{30,}|pypi-[\w-]{30,}|hf_\w{20,}|SG\.[\w-]{16,}\.[\w-]{16,})"
        ),
        _whole,
    ),
    Rule(
        "credentials of a request",
        ("bearer", "basic"),
        re.compile(
            r"(\b[Bb](?:earer\s+(?=[\w.~+/-]{8})|asic\s+(?=[A-Za-z0-9+/]*[\d=])))[\w.~+/-]{8,}=*"
        ),
        _behind,
    ),
    Rule(
        "name that speaks of a secret",
        NAMES,
        re.compile(
            rf"((?:{_NAME})[\w-]{{0,40}}(?:=|['\"]?\s?[:=]\s?(?=[rbRB]?['\"])))"
            rf"(?!\[(?:redacted|Filtered)\])(?:[rbRB]?'[^']{{1,500}}'|[rbRB]?\"[^\"]{{1,500}}\"|[^\s&,;'\")\]}}]+)",
            re.IGNORECASE,
        ),
        _behind,
    ),
    Rule(
        "card number",
        (),
        re.compile(r"[3-6](?<![\w.-].)\d(?:[ -]?\d){11,17}(?![\w.-]?\d)"),
        _card,
    ),
)

HINT = re.compile("|".join(re.escape(hint) for rule in RULES for hint in rule.hints))
WITHOUT_HINTS = tuple(rule for rule in RULES if not rule.hints)


def without_secrets(text: str, *, code: bool = False) -> tuple[str, list[str]]:
    """Return *text* with what looks like a secret replaced, and the reasons why.

    In *code* a name that speaks of a secret has a value of any kind behind it, so names prove
    nothing.
    """
    low = text.lower()
    reasons = []
    for rule in RULES if HINT.search(low) else WITHOUT_HINTS:
        if code and rule.hints is NAMES:
            continue
        if not rule.hints or any(hint in low for hint in rule.hints):
            clean = rule.pattern.sub(rule.replace, text)
            if clean != text:
                reasons.append(rule.reason)
                text = clean
    return text, reasons
