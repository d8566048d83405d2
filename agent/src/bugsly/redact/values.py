"""Judges values: which of them hide nothing, and which look like a secret by themselves."""

from __future__ import annotations

import re

REDACTED = "[redacted]"
MAX_HARMLESS_LENGTH = 200
"""Characters of a value that may turn out to hide nothing."""
NO_VALUES = frozenset(
    {
        *("", "''", '""', "()", "[]", "{}", "-", "?", "none", "null", "nil", "true", "false"),
        *("undefined", "yes", "no", "on", "off", "unset", "empty", "redacted", "hidden", "nan"),
    }
)
TYPE_NAMES = frozenset(
    {
        *("any", "bool", "boolean", "bytes", "dict", "int", "integer", "list", "object"),
        *("optional", "password", "secret", "secretstr", "str", "string", "text", "token"),
        *("varchar",),
    }
)
"""Words in place of a value that name its type or itself."""
PLACEHOLDER = re.compile(
    r"\[(?i:redacted|filtered|removed|hidden)\]?|<[\w ./-]{1,40}>|[*•x.…#-]{2,}"
    r"|\$\{[^{}]{0,80}\}?|\$[A-Z_]{2,40}|\$\d{1,3}|%s|%\(\w{1,60}\)s?|\{[\w.]{0,60}\}"
    r"|\{\{[^{}]{0,60}\}\}|[:@][a-z_]{2,40}"
)
VERSION = re.compile(r"v?\d{1,4}(?:\.\d{1,6}){1,4}(?:[-.+]?[a-z]{1,6}\d{0,6})?")
OBJECT = re.compile(
    r"<(?:[\w.]{1,100}(?: object)?(?: at 0x[0-9a-f]{1,16})?"
    r"|(?:bound method|function|class|module|built-in)[^<>]{0,160})>",
    re.IGNORECASE,
)
"""What Python shows of an object that says nothing of its contents."""
PROSE_WORDS = frozenset(
    {
        *("a", "an", "and", "are", "argument", "as", "at", "authentication", "bad", "be", "been"),
        *("but", "by", "can", "can't", "cannot", "changed", "check", "choose", "could", "denied"),
        *("disabled", "does", "each", "enabled", "enter", "ensure", "expected", "expired"),
        *("failed", "field", "for", "found", "from", "had", "has", "have", "header", "if", "in"),
        *("incorrect", "index", "input", "invalid", "is", "it", "its", "length", "like", "may"),
        *("mismatch", "missing", "must", "needs", "not", "of", "ok", "or", "ought", "please"),
        *("refused", "rejected", "required", "reset", "shall", "should", "something", "that"),
        *("the", "this", "to", "too", "unexpected", "unknown", "updated", "use", "valid"),
        *("value", "was", "were", "will", "with", "wrong", "you", "your"),
    }
)
"""Words that a sentence goes on with after the name of a secret."""
PROSE = re.compile(r"[A-Za-z'’]+(?:[ ,:;]{1,2}[A-Za-z0-9'’`-]+)+[.!]?")
SENTENCE_WORDS = frozenset(
    {
        *("at", "be", "blank", "cannot", "characters", "contain", "digit", "empty", "enter"),
        *("expired", "incorrect", "invalid", "least", "match", "minimum", "missing", "must"),
        *("please", "required", "short", "weak", "wrong"),
    }
)
"""Words of what a form says of a secret that it refuses."""
PLAIN_WORD = re.compile(r"[A-Za-z][a-z]*(?:[-_. ][a-z]+)*")
_INNER_CAPITAL = re.compile(r"[a-z][A-Z]")
_PUNCTUATION = " \t\r\n.,;:!?\"'`"


def says_nothing(value: str) -> bool:
    """Return whether *value*, given to the name of a secret, hides nothing."""
    if len(value) > MAX_HARMLESS_LENGTH:
        return False
    bare = value.strip(" \t\r\n\"'`\\")
    return (
        bare.lower() in NO_VALUES
        or not any(map(str.isalnum, bare))
        or PLACEHOLDER.fullmatch(bare) is not None
        or VERSION.fullmatch(bare) is not None
        or OBJECT.fullmatch(bare) is not None
        or is_sentence(bare)
    )


def is_sentence(value: str) -> bool:
    """Return whether *value* is what a form says of a value that it refuses."""
    if " " not in value or PROSE.fullmatch(value) is None:
        return False
    words = value.lower().rstrip(".!").split()
    return not SENTENCE_WORDS.isdisjoint(words)


def goes_on(value: str) -> bool:
    """Return whether *value*, a word without quotes, is how a sentence or a type goes on."""
    word = value.strip(_PUNCTUATION + "()[]{}<>").lower()
    return word in PROSE_WORDS or word in TYPE_NAMES or says_nothing(value)


def is_opaque(value: str, min_length: int = 8) -> bool:
    """Return whether *value* looks like a key or a token: no word of a language."""
    bare = value.strip(_PUNCTUATION)
    if len(bare) < min_length or " " in bare:
        return False
    if any(letter.isdigit() for letter in bare):
        return True
    return len(bare) >= 16 and (
        _INNER_CAPITAL.search(bare) is not None or PLAIN_WORD.fullmatch(bare) is None
    )


def is_word(value: str) -> bool:
    """Return whether *value* is a word or an identifier without digits."""
    return value.replace("_", "a").replace("-", "a").isalpha()


def mixes_letters_and_digits(value: str) -> bool:
    """Return whether *value* has six characters or more, with letters and digits among them."""
    bare = value.strip(_PUNCTUATION)
    return (
        len(bare) >= 6
        and any(letter.isdigit() for letter in bare)
        and any(letter.isalpha() for letter in bare)
    )
