"""Secrets that are known by their form: addresses, keys of services, card numbers."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bugsly.redact.service_keys import SERVICE_KEY
from bugsly.redact.values import REDACTED, is_opaque

if TYPE_CHECKING:
    from collections.abc import Callable

    Match = re.Match[str]

MAX_IBAN_LENGTH = 34
MIN_IBAN_LENGTH = 15


@dataclass(frozen=True)
class SecretForm:
    """One form of secrets. Only texts with one of the *hints*, in lower case, can have it."""

    reason: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replace: Callable[[Match], str]


def redact_forms(text: str, *, keep_lines: bool = False) -> tuple[str, list[str]]:
    """Return *text* without secrets of a known form, with as many lines on demand, and why."""
    reasons = []
    lowered = text.lower()
    for form in SECRET_FORMS if _HINT.search(lowered) else _FORMS_WITHOUT_HINTS:
        if form.hints and not any(hint in lowered for hint in form.hints):
            continue
        replace = _keeping_lines(form.replace) if keep_lines else form.replace
        clean = form.pattern.sub(replace, text)
        if clean != text:
            reasons.append(form.reason)
            text = clean
    return text, reasons


def _keeping_lines(replace: Callable[[Match], str]) -> Callable[[Match], str]:
    return lambda match: replace(match) + "\n" * match[0].count("\n")


def _whole(_match: Match) -> str:
    return REDACTED


def _after_first(match: Match) -> str:
    return f"{match[1]}{REDACTED}"


def _between(match: Match) -> str:
    return f"{match[1]}{REDACTED}{match[2]}"


def _web_token(match: Match) -> str:
    """Replace a match from where the token starts in it."""
    start = _WEB_TOKEN_START.search(match[0])
    return f"{match[0][: start.start()] if start else ''}{REDACTED}"


def _service_keys(match: Match) -> str:
    return SERVICE_KEY.sub(REDACTED, match[0])


def _credentials(match: Match) -> str:
    """Replace what follows the name of a scheme if it is no word."""
    value = match[3]
    if match[1].lower() == "basic":
        return f"{match[1]}{match[2]}{REDACTED}" if _is_basic(value) else match[0]
    shown = is_opaque(value) or re.search(r"[._+/~]\w", value) is not None
    if match[1].lower() == "token" and len(value) < 20:
        shown = False
    return f"{match[1]}{match[2]}{REDACTED}" if shown else match[0]


def _is_basic(value: str) -> bool:
    """Return whether *value* is a user and a password as HTTP encodes them."""
    body = value.rstrip("=")
    try:
        return b":" in base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def _card(match: Match) -> str:
    return REDACTED if is_card(match[0]) else match[0]


def is_card(text: str) -> bool:
    """Return whether the digits of *text* pass Luhn's check, as those of a payment card do."""
    digits = [int(letter) for letter in reversed(text) if letter.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _iban(match: Match) -> str:
    """Replace the longest beginning of a match that is an account number."""
    groups = match[0].split(" ")
    for count in range(len(groups), 0, -1):
        if is_iban("".join(groups[:count])):
            return " ".join([REDACTED, *groups[count:]])
    return match[0]


def is_iban(plain: str) -> bool:
    """Return whether *plain* passes the check of ISO 13616."""
    if not MIN_IBAN_LENGTH <= len(plain) <= MAX_IBAN_LENGTH:
        return False
    return int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4])) % 97 == 1


_WEB_TOKEN_START = re.compile(r"(?<!\w)eyJ")
SECRET_FORMS = (
    SecretForm(
        "private key",
        ("private key",),
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^-]*"
            r"(?:-(?!----END)[^-]*)*(?:-----END [A-Z ]{0,40}-----|\Z)"
        ),
        _whole,
    ),
    SecretForm(
        "JSON web token",
        ("eyj",),
        re.compile(r"(?<![\w-])(?=(?:[\w-]*-)?eyJ)[\w-]{9,}\.[\w-]*(?:\.[\w-]*)?"),
        _web_token,
    ),
    SecretForm(
        "address of a webhook",
        ("hooks.slack", "/api/webhooks/", "webhook.office", "outlook.office", "/bot"),
        re.compile(
            r"(hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/"
            r"|/api/webhooks/|webhook\.office\.com/webhookb2/|outlook\.office(?:365)?\.com/webhook/"
            r"|/bot(?=\d{6,12}:[\w-]{20}))[^\s'\"<>\\?]{8,400}"
        ),
        _after_first,
    ),
    SecretForm(
        "password in an address",
        ("://",),
        re.compile(r"(://[^\s:/@'\"]{0,200}:)(?!\d{1,5}/)[^\s@'\"]{1,300}(@)"),
        _between,
    ),
    SecretForm(
        "password in an address",
        ("://",),
        re.compile(r"(://)[^\s:/@'\"]{16,300}(@)"),
        _between,
    ),
    SecretForm(
        "address with a secret",
        ("reset", "confirm", "verify", "activate", "magic", "invite"),
        re.compile(
            r"(/(?:[\w-]{0,20}reset[\w-]{0,20}|confirm|verify|activate|magic|invite)/)"
            r"(?=[\w-]{0,200}\d)[\w-]{20,200}"
        ),
        _after_first,
    ),
    SecretForm(
        "cookie",
        ("cookie", "<morsel"),
        re.compile(
            r"(<(?:\w{0,20}Cookie\w{0,20}|Morsel|Set-Cookie):? ?)(?=[^<>=]{1,100}=)[^<>]{1,4000}"
        ),
        _after_first,
    ),
    SecretForm(
        "access token of a known service",
        (),
        re.compile(r"[\w$][\w.:/$-]{15,}"),
        _service_keys,
    ),
    SecretForm(
        "credentials of a request",
        ("bearer", "basic", "token "),
        re.compile(r"(?i)\b(bearer|basic|token)([ \t]{1,8})([\w.~+/-]{8,2000}={0,2})"),
        _credentials,
    ),
    SecretForm(
        "card number",
        (),
        re.compile(
            r"(?<![\w.-])(?:4\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}|(?:5[1-5]|2[2-7]|6[024-5]|35)\d\d"
            r"([ -]?)\d{4}\2\d{4}\2\d{4}|3[47]\d\d([ -]?)\d{6}\3\d{5}"
            r"|3[068]\d{2}([ -]?)\d{6}\4\d{4})"
            r"(?![\w-]|\.\d)"
        ),
        _card,
    ),
    SecretForm(
        "account number",
        (),
        re.compile(
            r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3})?"
            r"(?![A-Za-z0-9])"
        ),
        _iban,
    ),
)
_HINT = re.compile("|".join(re.escape(hint) for form in SECRET_FORMS for hint in form.hints))
_FORMS_WITHOUT_HINTS = tuple(form for form in SECRET_FORMS if not form.hints)
