"""Secrets in SQL and in command lines, where no name stands beside them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bugsly.redact.quotes import QUOTE, closing_quote
from bugsly.redact.secret_names import name_kind
from bugsly.redact.values import REDACTED, is_opaque, mixes_letters_and_digits, says_nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_STATEMENT_LENGTH = 4_000
"""Characters of a statement before its parameters."""
MAX_COLUMNS = 100
ACCOUNT_TABLE = re.compile(
    r"(?i)user|account|credential|secret|token|password|session|login|member"
)
"""Tables of which a row is redacted where it stands without the names of its columns."""
IDENTIFIED = re.compile(
    rf"\b(?:(?:identified\s(?:with\s\S{{1,60}}\s)?(?:by|as)|password)\s{{1,4}}(?:password\s{{1,4}})?"
    rf"|password\(\s{{0,4}})(?={QUOTE})",
    re.IGNORECASE,
)
INSERT = re.compile(
    r"(?i)\b(?:insert|replace)\s{1,4}(?:or\s\w{1,12}\s|ignore\s)?into\s{1,4}([^\s()]{1,100})\s{0,4}"
    r"(?:\(([^()]{0,2000})\)\s{0,4})?values\s{0,4}(?=\()"
)
KEY_DETAIL = re.compile(r"(?i)\bkey \(([^()]{1,300})\)=\(([^()]{0,500})\)")
DUPLICATE = re.compile(r"(?i)(\bduplicate entry ')([^'\n]{1,300})(' for key '([^'\n]{1,100})')")
PARAMETERS = "[parameters: "
STATEMENT = re.compile(r"identified|password|values|\[parameters: |key \(|duplicate entry")
"""What a statement, or what is said of one, has in it."""
COMMANDS = (
    (
        ("curl", "wget"),
        re.compile(
            r"((?<![\w-])(?:-u|--user|--proxy-user)(?:=|[\s,'\"\\]{1,8})[^\s:,'\"/]{1,64}:)"
            r"[^\s'\"\\]{1,300}"
        ),
    ),
    (
        ("mysql", "mariadb"),
        re.compile(r"(\b(?:mysql|mariadb)[\w-]{0,12}\b[^\n]{0,160}?[\s'\"]-p)[^\s'\",\\]{1,200}"),
    ),
    (
        ("unzip", "zip"),
        re.compile(r"(\b(?:un)?zip\b[^\n]{0,80}?[\s'\"]-P[\s,'\"]{0,6})[^\s'\",\\]{1,200}"),
    ),
    (
        ("ssh-keygen",),
        re.compile(r"(\bssh-keygen\b[^\n]{0,80}?[\s'\"]-[NP][\s,'\"]{1,6})[^\s'\",\\]{1,200}"),
    ),
    (("sudo",), re.compile(r"(\becho )[^\n|]{1,200}(?= ?\| ?sudo -S)")),
    (("sshpass",), re.compile(r"(\bsshpass[\s,'\"]{1,6}-p[\s,'\"]{0,6})[^\s'\",\\]{1,200}")),
    (
        ("redis-cli",),
        re.compile(r"(\bredis-cli\b[^\n]{0,120}?[\s'\"]-a[\s,'\"]{1,6})[^\s'\",\\]{1,200}"),
    ),
    (
        ("docker", "podman"),
        re.compile(
            r"(\b(?:docker|podman)[\s,'\"]{1,6}login\b[^\n]{0,120}?[\s'\"]-p[\s,'\"]{1,6})"
            r"[^\s'\",\\]{1,200}"
        ),
    ),
)
PROGRAM = re.compile("|".join(("auth ", *(name for names, _ in COMMANDS for name in names))))
REDIS_AUTH = re.compile(r"\bAUTH ([^\s'\"]{6,200})(?: ([^\s'\"]{6,200}))?")


def redact_commands(text: str, lowered: str) -> str:
    """Return *text* without passwords that commands take without a name."""
    if PROGRAM.search(lowered) is None:
        return text
    for programs, pattern in COMMANDS:
        if any(program in lowered for program in programs):
            text = pattern.sub(rf"\1{REDACTED}", text)
    if "AUTH " in text:
        text = REDIS_AUTH.sub(_redis_auth, text)
    return text


def _redis_auth(match: re.Match[str]) -> str:
    words = [word for word in match.groups() if word]
    return f"AUTH {REDACTED}" if any(map(mixes_letters_and_digits, words)) else match[0]


def redact_statements(text: str, lowered: str) -> str:
    """Return *text* without secrets in SQL: `VALUES`, `IDENTIFIED BY`, parameters, details."""
    if STATEMENT.search(lowered) is None:
        return text
    spans: list[tuple[int, int]] = []
    if "identified" in lowered or "password" in lowered:
        spans += _identified(text)
    if "values" in lowered:
        spans += _inserted(text)
    if PARAMETERS in lowered:
        spans += _parameters(text)
    text = replace_spans(text, spans)
    if "key (" in lowered:
        text = KEY_DETAIL.sub(_key_detail, text)
    if "duplicate entry" in lowered:
        text = DUPLICATE.sub(_duplicate, text)
    return text


def replace_spans(text: str, spans: list[tuple[int, int]]) -> str:
    """Return *text* with each span replaced; a span in another one is part of it."""
    parts, end = [], 0
    for start, stop in sorted(spans):
        if start >= end:
            parts += [text[end:start], REDACTED]
            end = stop
    return "".join([*parts, text[end:]])


def quoted_spans(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the quoted texts between *start* and *stop* that hide something."""
    position = start
    while position < stop:
        opened = _QUOTE.search(text, position, stop)
        if opened is None:
            return
        inner, outer = closing_quote(text, opened.end(), opened[0], stop)
        if not says_nothing(text[opened.end() : inner]):
            yield opened.start(), outer
        position = outer


def _identified(text: str) -> Iterator[tuple[int, int]]:
    for found in IDENTIFIED.finditer(text):
        opened = _QUOTE.match(text, found.end())
        if opened is not None:
            inner, outer = closing_quote(text, opened.end(), opened[0], len(text))
            if not says_nothing(text[opened.end() : inner]) and outer > inner:
                yield opened.start(), outer


def _inserted(text: str) -> list[tuple[int, int]]:
    """Return the spans of the values of columns with names of secrets."""
    spans: list[tuple[int, int]] = []
    position = 0
    while found := INSERT.search(text, position):
        names = [] if found[2] is None else found[2].split(",")
        secret = {index for index, name in enumerate(names) if name_kind(_bare(name))}
        position = found.end()
        if not names and ACCOUNT_TABLE.search(found[1]):
            secret = set(range(MAX_COLUMNS))
        if secret:
            position = _add_row_values(text, position, secret, spans)
    return spans


def _add_row_values(
    text: str, position: int, secret: set[int], spans: list[tuple[int, int]]
) -> int:
    """Add the spans of the values in columns *secret* of the rows from *position* on.

    Return where the rows end.
    """
    column = depth = 0
    while found := _ROW_PART.match(text, position):
        part, is_secret = found[0], depth > 0 and column in secret
        if depth == 0 and part not in "(," and not part.isspace():
            return position
        position = found.end()
        if _QUOTE.fullmatch(part):
            inner, outer = closing_quote(text, position, part, len(text))
            if is_secret and not says_nothing(text[position:inner]):
                spans.append((found.start(), outer))
            position = outer
        elif part in "()":
            depth += 1 if part == "(" else -1
            column = column if depth > 1 or part == ")" else 0
        elif part == ",":
            column += depth == 1
        elif is_secret and part.isdigit():
            spans.append(found.span())
    return position


def _parameters(text: str) -> Iterator[tuple[int, int]]:
    """Yield the quoted parameters of statements that speak of a secret."""
    seen = 0
    while (at := text.find(PARAMETERS, seen)) >= 0:
        start = max(text.rfind("[SQL: ", seen, at), at - MAX_STATEMENT_LENGTH, seen)
        seen = at + len(PARAMETERS)
        if text[seen : seen + 1] in "([" and any(map(name_kind, _WORD.findall(text, start, at))):
            end = text.find("\n", seen)
            end = len(text) if end < 0 else end
            yield from quoted_spans(text, seen, end)
            seen = end


def _key_detail(match: re.Match[str]) -> str:
    names, values = match[1].split(","), match[2].split(",")
    secret = [name_kind(_bare(name)) is not None for name in names]
    if not any(secret):
        return match[0]
    if len(values) != len(names):
        return f"{match[0][: match.start(2) - match.start()]}{REDACTED})"
    kept = [f" {REDACTED}" if hide else value for hide, value in zip(secret, values, strict=True)]
    return f"{match[0][: match.start(2) - match.start()]}{','.join(kept).strip()})"


def _duplicate(match: re.Match[str]) -> str:
    is_secret = name_kind(match[4]) is not None or is_opaque(match[2], 20)
    return f"{match[1]}{REDACTED}{match[3]}" if is_secret else match[0]


def _bare(name: str) -> str:
    return name.strip(" \t\r\n`\"[]\\'")


_QUOTE = re.compile(QUOTE)
_WORD = re.compile(r"\w{1,100}")
_ROW_PART = re.compile(rf"{QUOTE}|[(),]|\s+|[^\s(),'\"`\\]+|.")
