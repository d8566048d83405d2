"""Redacts secrets in text before it leaves the process.

A secret is recognized by its name (`password=…`, `X-Api-Key: …`) or by its form (a token of a known
kind, a private key, a card number). It may redact too much, never too little.
"""

from __future__ import annotations

import re

REDACTED = "[redacted]"
_SENSITIVE_WORDS = (
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|(?:api|access|private|auth|signing|encryption)[_-]?key"
    r"|credentials?|dsn|authori[sz]ation|cookie|session(?:[_-]?(?:id|key))?|[cx]srf|otp|cvv|cvc|iban"
)
_SECRET_NAME = re.compile(
    rf"(?<![a-z])(?:{_SENSITIVE_WORDS}|pass|auth|sid|pin|signature|ssn)(?![a-z])"
)
_CAMEL_CASE_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SECRET_LITERAL = re.compile(
    rf"""((?:{_SENSITIVE_WORDS}|pass(?=['"\]\s=:]))\w{{0,40}}['"]?\]?\s*(?::\s*\w+\s*)?[:=]\s*[rbfuRBFU]{{0,2}})(['"])([^'"\n]+)\2""",
    re.IGNORECASE,
)
_QUOTED = r"""b?(?:"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?)"""
_SECRET_ASSIGNMENT = re.compile(
    rf"""((?:{_SENSITIVE_WORDS})[\w-]{{0,40}}\\{{0,4}}['"]?\]?\s{{0,3}}(?:=>|[=:])\s{{0,3}})"""
    r"""(?:(?:bearer|basic|digest|token)\s+)?(?!\[redacted\])"""
    rf"""(?:\\{{0,4}}{_QUOTED}|[^\s"'&,;(){{}}\[\]]+)""",
    re.IGNORECASE,
)
_SECRET_PAIR = re.compile(
    rf"""(\(b?['"][\w-]{{0,40}}?(?:{_SENSITIVE_WORDS})[\w-]{{0,40}}['"],\s?)(?!\[redacted\]){_QUOTED}""",
    re.IGNORECASE,
)
_PASSWORD_IN_ADDRESS = re.compile(r"(://[^\s:/@'\"]{0,200}:)(?!\d{1,5}/)[^\s@'\"]{1,500}(@)")
_TOKEN_IN_ADDRESS = re.compile(r"(://)[^\s:/@'\"]{16,500}(@)")
_AUTH_SCHEME = re.compile(r"\b(bearer|basic|digest)(\s+)[\w.~+/=-]{8,}", re.IGNORECASE)
_KNOWN_TOKEN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.|\n)*?(?:-----END [A-Z ]*-----|\Z)"
    r"|(?<!\w)(?:(?:AKIA|ASIA)[0-9A-Z]{12,}"
    r"|(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|[srp]k_(?:live|test)_|whsec_)[\w-]{10,}"
    r"|(?:sk-|npm_|pypi-|hf_)[\w-]{20,}|AIza[\w-]{30,}|SG\.[\w-]{16,}\.[\w-]*)"
)
JSON_WEB_TOKEN = re.compile(r"(?<![\w-])(?=(?:[\w-]*-)?eyJ)[\w-]{9,}\.[\w-]*(?:\.[\w-]*)?")
"""From the start of the word that a token ends, so that no character is tried twice."""
_TOKEN_START = re.compile(r"(?<!\w)eyJ")
_CARD_NUMBER = re.compile(
    r"(?<![\d.])(?:[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}|3\d{3}[ -]\d{6}[ -]\d{5}|[2-6]\d{12,18})"
    r"(?!\d|\.\d)"
)


def is_secret_name(name: str) -> bool:
    """Return whether *name* is that of a secret: `db_password`, `apiKey`."""
    return _SECRET_NAME.search(_CAMEL_CASE_BOUNDARY.sub("_", name[:200]).lower()) is not None


def redact_text(text: str) -> str:
    """Return *text* without secrets, at most three times as long; idempotent."""
    text = JSON_WEB_TOKEN.sub(hide_web_token, _KNOWN_TOKEN.sub(REDACTED, text))
    text = _PASSWORD_IN_ADDRESS.sub(rf"\1{REDACTED}\2", text)
    text = _TOKEN_IN_ADDRESS.sub(rf"\1{REDACTED}\2", text)
    text = _SECRET_ASSIGNMENT.sub(rf"\1{REDACTED}", text)
    text = _SECRET_PAIR.sub(rf"\1{REDACTED}", text)
    text = _AUTH_SCHEME.sub(rf"\1\2{REDACTED}", text)
    return _CARD_NUMBER.sub(_hide_card, text)


def redact_source(text: str) -> str:
    """Return source *text* with the same lines, and literals that look like secrets redacted.

    A literal looks like one when it is assigned to the name of a secret, when it is an address with
    a password, or a token of a known kind.
    """
    text = _SECRET_LITERAL.sub(lambda match: f"{match[1]}{match[2]}{REDACTED}{match[2]}", text)
    text = _KNOWN_TOKEN.sub(lambda match: REDACTED + "\n" * match[0].count("\n"), text)
    text = JSON_WEB_TOKEN.sub(hide_web_token, text)
    return _PASSWORD_IN_ADDRESS.sub(rf"\1{REDACTED}\2", text)


def hide_web_token(match: re.Match[str]) -> str:
    """Return a match of `JSON_WEB_TOKEN`, redacted from where the token starts."""
    start = _TOKEN_START.search(match[0])
    return f"{match[0][: start.start()] if start else ''}{REDACTED}"


def _hide_card(match: re.Match[str]) -> str:
    digits = [int(one) for one in match[0] if one.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return match[0] if (sum(digits[-1::-2]) + sum(doubled)) % 10 else REDACTED
