"""Values after the name of a secret: `password=…`, `"token": "…"`, `--key …`, `password is …`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bugsly.redact.quotes import QUOTE, closing_quote
from bugsly.redact.secret_names import NameKind
from bugsly.redact.statements import quoted_spans
from bugsly.redact.values import (
    REDACTED,
    goes_on,
    is_opaque,
    is_sentence,
    mixes_letters_and_digits,
    says_nothing,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bugsly.redact.named import Named

    Span = tuple[int, int]

MAX_CONTAINER_LENGTH = 500
MIN_KEY_LENGTH = 20
"""Characters of a key that stands after its name without a sign between."""
_BRIDGE = re.compile(
    rf"(?P<close>{QUOTE}?)(?:\]|%5D|\))?[ \t]{{0,8}}"
    r"(?P<by>=>|->|==|:=|=~|=|:(?!//)|%3D|%3A)[ \t]{0,8}",
    re.IGNORECASE,
)
_QUALIFIED = re.compile(
    r" (?:value|\([\w ]{1,30}\)|(?:for|of) [\w.@-]{1,40}(?: [\w.@-]{1,20})?):[ \t]{1,4}"
)
"""What a sentence may say of a secret before its value: `password for ada: …`."""
_OPEN = re.compile(rf"(?:[A-Za-z_][\w.]{{0,60}}\([ \t]{{0,4}})?[rbfuRBFU]{{0,2}}({QUOTE})")
_PLAIN = re.compile(
    r"(?:\[redacted\]|[^\s\"'`&<>,;|\\(){}\[\]%]|%(?!26|22|27)"
    r"|[,;](?![\s\"'\]})]|\Z|[\w .-]{1,40}[=:])"
    r"|[(){}\[\]](?=[\w!@#$%^&*?~+-])|\\(?![nrt\"'\\u]))+"
)
_FORM_WORD = re.compile(r"[^\s\"'`&<>+]{1,400}")
"""A word where a form writes `+` for a space."""
_SCHEME = re.compile(
    r"(?:digest|oauth|hawk|hmac|aws4-hmac-sha256)[ \t][^\r\n\\]{1,4000}"
    r"|[a-z][\w-]{1,20}[ \t]{1,4}(?=[^\s\"'`\\]{6})",
    re.IGNORECASE,
)
_COOKIES = re.compile(r"""(?:[^\r\n"'`\\<>]|"[^"\r\n\\]{0,200}")+""")
_SPACES = re.compile(r"[ \t]{1,8}(?=[^\s-])")
_META_VARIABLE = re.compile(r"[A-Z][A-Z_-]+")
_SPOKEN = re.compile(
    rf"({QUOTE}?[ \t+]{{1,4}})((?:(?:is|was|to|of|from|now|number|has|value)[ \t+]{{1,4}}){{0,3}})"
)
_TO = re.compile(rf"\sto\s(?={QUOTE})")
_ALGORITHM = re.compile(
    r"(?:sha|md|argon|bcrypt|scrypt|pbkdf|base|utf|oauth|rsa|aes|ed|hs|rs|es)-?\d+\w{0,20}"
    r"|[A-Za-z]+\(\d+.*",
    re.IGNORECASE,
)


def assigned(text: str, named: Named) -> Iterator[Span]:
    """Yield the value that is given to a name with a sign: `=`, `:`, `=>`."""
    bridge = _BRIDGE.match(text, named.end)
    if bridge is not None:
        is_spoken = bridge["by"] == ":" and not bridge["close"]
        span = value_span(text, bridge.end(), named, is_spoken=is_spoken)
        if span is not None:
            yield span


def option_value(text: str, named: Named) -> Iterator[Span]:
    """Yield what follows an option of a command: `--password …`."""
    spaces = _SPACES.match(text, named.end) if named.is_option else None
    if spaces is None:
        return
    span = value_span(text, spaces.end(), named, is_spoken=False)
    if span is not None and not _META_VARIABLE.fullmatch(text[slice(*span)]):
        yield span


def spoken(text: str, named: Named) -> Iterator[Span]:
    """Yield a value that follows in words: `password '…'`, `the code is …`."""
    words = _SPOKEN.match(text, named.end)
    if words is None or named.kind is NameKind.WEAK:
        return
    qualified = _QUALIFIED.match(text, named.end)
    if qualified is not None:
        yield from _qualified_value(text, qualified.end(), named)
        return
    is_quoted_name = words[1].strip(" \t+") != ""
    opened = _QUOTE.match(text, words.end())
    if opened is not None:
        if is_quoted_name and "value" not in words[2]:
            return
        yield from _spoken_quotes(text, opened, named)
    elif not is_quoted_name:
        value = (_FORM_WORD if "+" in words[1] else _PLAIN).match(text, words.end())
        if value is not None and _is_spoken_secret(value[0], named, linked=words[2] != ""):
            yield value.span()


def _qualified_value(text: str, position: int, named: Named) -> Iterator[Span]:
    value = _PLAIN.match(text, position)
    if value is not None and _is_spoken_secret(value[0], named, linked=True):
        yield value.span()


def value_span(text: str, position: int, named: Named, *, is_spoken: bool) -> Span | None:
    """Return the span of the value at *position* if it hides something.

    *is_spoken* says that a sentence may go on there.
    """
    opened = _OPEN.match(text, position)
    if opened is not None:
        return _quoted_value(text, opened, named)
    if text[position : position + 1] in {"(", "[", "{"}:
        return _container(text, position)
    return _plain_value(text, position, named, is_spoken=is_spoken)


def _quoted_value(text: str, opened: re.Match[str], named: Named) -> Span | None:
    inner, outer = closing_quote(text, opened.end(), opened[1], len(text))
    value = text[opened.end() : inner]
    if says_nothing(value) or (named.kind is NameKind.WEAK and not is_opaque(value)):
        return None
    return opened.start(1) if "(" in opened[0] else opened.start(), outer


def _container(text: str, position: int) -> Span | None:
    """Return the span of a list, tuple or mapping if a text in it hides something."""
    depth, stop = 0, min(len(text), position + MAX_CONTAINER_LENGTH)
    for bracket in _BRACKET.finditer(text, position, stop):
        depth += 1 if bracket[0] in "([{" else -1
        if depth == 0:
            stop = bracket.end()
            break
    hides_something = any(True for _ in quoted_spans(text, position, stop))
    return (position, stop) if hides_something else None


def _plain_value(text: str, position: int, named: Named, *, is_spoken: bool) -> Span | None:
    first = _PLAIN.match(text, position)
    if first is None or goes_on(first[0]) or named.names_itself(first[0]):
        return None
    if named.is_authorization:
        scheme = _SCHEME.match(text, position)
        rest = None if scheme is None else _PLAIN.match(text, scheme.end())
        return position, max(part.end() for part in (first, scheme, rest) if part is not None)
    if named.is_cookie:
        cookies = _COOKIES.match(text, position)
        if cookies is not None and "=" in cookies[0]:
            return cookies.span()
    return first.span() if _is_plain_secret(first[0], named, is_spoken=is_spoken) else None


def _is_plain_secret(value: str, named: Named, *, is_spoken: bool) -> bool:
    if named.kind is NameKind.WEAK:
        return is_opaque(value)
    if named.kind is NameKind.PASSWORD:
        return not (is_spoken and named.is_code) or any(map(str.isdigit, value))
    return not (is_spoken and named.is_one_word) or is_opaque(value, 6)


def _spoken_quotes(text: str, opened: re.Match[str], named: Named) -> Iterator[Span]:
    inner, outer = closing_quote(text, opened.end(), opened[0], len(text))
    value = text[opened.end() : inner]
    is_secret = named.kind is NameKind.PASSWORD or is_opaque(value)
    if inner == outer or not is_secret or " " in value or says_nothing(value):
        return
    yield opened.start(), outer
    then = _TO.match(text, outer)
    again = None if then is None else _QUOTE.match(text, then.end())
    if again is not None:
        yield again.start(), closing_quote(text, again.end(), again[0], len(text))[1]


def _is_spoken_secret(value: str, named: Named, *, linked: bool) -> bool:
    bare = value.replace(REDACTED, "").strip(".,;:!?()")
    if _ALGORITHM.fullmatch(bare):
        return False
    if named.kind is NameKind.SECRET:
        return is_opaque(bare, MIN_KEY_LENGTH) and mixes_letters_and_digits(bare)
    if linked and named.is_code and bare.isdigit():
        return 4 <= len(bare) <= 8
    return mixes_letters_and_digits(bare) and not is_sentence(bare)


_QUOTE = re.compile(QUOTE)
_BRACKET = re.compile(r"[()\[\]{}]")
