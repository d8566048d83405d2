"""Tells names of secrets from other names: the one table of agent and server."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from itertools import pairwise

MAX_NAME_LENGTH = 200
"""A longer text is not a name."""
MAX_REMEMBERED_NAMES = 2_048


class NameKind(Enum):
    """What the name of a secret says of its value."""

    PASSWORD = auto()
    """Any text may be one."""
    SECRET = auto()
    """A key or a token, which is no word of a language."""
    WEAK = auto()
    """Often something else, so in a text the value has to look like a secret too."""


PASSWORD_WORDS = frozenset(
    {
        *("contrasena", "cvc", "cvv", "kennwort", "otp", "pass", "passcode", "passphrase"),
        *("passwd", "password", "passwords", "passwort", "pin", "pwd", "senha", "ssn", "totp"),
    }
)
SECRET_WORDS = frozenset(
    {
        *("apikey", "authorization", "authorisation", "cookie", "cookies", "credential"),
        *("credentials", "csrf", "dsn", "iban", "jwt", "secret", "secrets", "sessid", "xsrf"),
    }
)
SECRET_LAST_WORDS = frozenset({"authentication", "bearer", "token"})
"""Words that name a secret only at the end of a name."""
WEAK_LAST_WORDS = frozenset({"auth", "magic", "session", "sid", "sig", "signature"})
PASSWORD_LAST_WORDS = frozenset({"otp", "pass", "pin", "totp"})
"""Words of passwords that are so only at the end of a name, or before `code` and `number`."""
NAME_PART = re.compile(r"passw|secret(?!ar)|credential|apikey|accesskey|privatekey|creditcard")
"""Parts of a name, without its separators, that are never by chance."""
WORD_ENDINGS = (
    *("token", "csrf", "xsrf", "passcode", "passphrase", "pwd", "sessid", "sessionid"),
    *("dsn", "jwt", "sessionkey"),
)
KEY_OWNERS = frozenset(
    {
        *("access", "account", "api", "auth", "client", "consumer", "crypt", "decryption"),
        *("deploy", "encryption", "hmac", "license", "master", "private", "secret", "service"),
        *("session", "shared", "signing", "ssh", "storage", "webhook"),
    }
)
CODE_OWNERS = frozenset(
    {
        *("auth", "backup", "confirmation", "login", "mfa", "otp", "pin", "recovery", "security"),
        *("sms", "time", "totp", "verification", "2fa"),
    }
)
WORD_PAIRS = frozenset(
    {
        *((owner, "key") for owner in KEY_OWNERS),
        *((owner, "code") for owner in CODE_OWNERS),
        *(("pin", "number"), ("card", "number"), ("cc", "number"), ("credit", "card")),
        *(("session", "id"), ("secret", "id"), ("session", "hash")),
        *((owner, "tokens") for owner in ("access", "api", "auth", "device", "refresh")),
    }
)
ABOUT_LAST = frozenset(
    {
        *("age", "alg", "algorithm", "allowed", "at", "attempts", "audience", "backend", "banner"),
        *("bits", "changed", "chars", "class", "column", "consent", "cost", "count", "country"),
        *(
            "counts",
            "created",
            "date",
            "days",
            "digits",
            "dir",
            "disabled",
            "domain",
            "duration",
            "enabled",
        ),
        *("encoding", "endpoint", "error", "errors", "exempt", "exists", "expired", "expires"),
        *("expiration", "expiry", "failed", "failures", "field", "fields", "file", "filename"),
        *("format", "handler", "hashers", "hours", "httponly", "in", "index", "interval", "issuer"),
        *("kind", "label", "len", "length", "lifetime", "limit", "limits", "manager", "max"),
        *("message", "method", "middleware", "min", "minutes", "missing", "mode", "name", "names"),
        *("offset", "page", "path", "pattern", "placeholder", "policies", "policy", "position"),
        *(
            "prefix",
            "present",
            "provider",
            "rate",
            "ref",
            "regex",
            "required",
            "retries",
            "rotated",
        ),
        *("rotation", "rule", "rules", "samesite", "schema", "scheme", "scope", "scopes", "score"),
        *(
            "secure",
            "seconds",
            "sent",
            "set",
            "shown",
            "size",
            "source",
            "state",
            "status",
            "stdin",
        ),
        *("strength", "suffix", "table", "time", "timeout", "title", "ttl", "type", "types"),
        *("updated", "uri", "url", "urls", "usage", "used", "valid", "validation", "validator"),
        *("validators", "verified", "version"),
    }
)
"""Last words of a name that is about a secret: `password_length`, `token_type`."""
ABOUT_FIRST = frozenset(
    {
        *("allow", "allows", "can", "count", "disable", "disabled", "enable", "enabled", "forgot"),
        *("had", "has", "hide", "is", "max", "min", "need", "needs", "no", "num", "require"),
        *("required", "requires", "should", "show", "total", "use", "uses", "without"),
    }
)
"""First words of such a name: `has_password`, `max_token`."""
OTHER_THINGS = {
    "token": frozenset(
        {
            *("bos", "cancel", "cancellation", "cls", "continuation", "current", "end", "eos"),
            *("first", "last", "lookahead", "mask", "next", "pad", "page", "peek", "prev"),
            *("previous", "sep", "special", "start", "stop", "sync", "unexpected", "unk"),
        }
    ),
    "pass": frozenset(
        {
            *("all", "backward", "boarding", "by", "day", "first", "forward", "last", "multi"),
            *("next", "one", "over", "render", "season", "second", "single", "third", "two"),
        }
    ),
    "pin": frozenset(
        {
            *("analog", "chip", "clock", "cs", "data", "digital", "gpio", "input", "io", "led"),
            *("map", "output", "pwm", "rx", "scl", "sda", "signal", "tx"),
        }
    ),
    "id": frozenset({"auth", "cookie", "credential", "key", "password", "token"}),
}
"""Words before a last word that make it something else: `next_page_token`, `gpio_pin`, `key_id`."""
OTHER_NAMES = frozenset({"PWD", "OLDPWD", "passwordless"})
"""The shell's folders, and a word."""
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def is_secret_name(name: str) -> bool:
    """Return whether *name* is that of a secret: `db_password`, `apiKey`."""
    return name_kind(name) is not None


@lru_cache(maxsize=MAX_REMEMBERED_NAMES)
def name_kind(name: str) -> NameKind | None:
    """Return what kind of secret *name* is the name of, None if of none."""
    words = split_name(name[:MAX_NAME_LENGTH])
    if not words or name in OTHER_NAMES or _is_about_secret(words):
        return None
    if any(word in PASSWORD_WORDS - PASSWORD_LAST_WORDS for word in words) or (
        words[-1] in PASSWORD_LAST_WORDS
    ):
        return NameKind.PASSWORD
    if words[-1] in WEAK_LAST_WORDS:
        return NameKind.WEAK
    pairs = set(pairwise(words)) & WORD_PAIRS
    if pairs:
        is_code = any(last in {"code", "number"} for _, last in pairs)
        return NameKind.PASSWORD if is_code else NameKind.SECRET
    return _kind_by_parts(words)


def split_name(name: str) -> list[str]:
    """Return the words of *name* in lower case, without numbers at its end."""
    words = [word.lower() for word in WORD.findall(name)]
    while words and words[-1].isdigit():
        words.pop()
    return words


def _kind_by_parts(words: list[str]) -> NameKind | None:
    if not SECRET_WORDS.isdisjoint(words) or words[-1] in SECRET_LAST_WORDS:
        return NameKind.SECRET
    if any(word.endswith(WORD_ENDINGS) and word != "token" for word in words):
        return NameKind.PASSWORD if words[-1].endswith("pwd") else NameKind.SECRET
    found = NAME_PART.search("".join(words))
    if found is None:
        return None
    return NameKind.PASSWORD if found[0] == "passw" else NameKind.SECRET


def _is_about_secret(words: list[str]) -> bool:
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if words[-3:] == ["access", "key", "id"]:
        return False
    return (
        (last in ABOUT_LAST and before != "")
        or (words[0] in ABOUT_FIRST and before != "")
        or before in OTHER_THINGS.get(last, ())
        or (last == "token" and "next" in words)
    )
