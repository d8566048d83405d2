"""Makes the values that stand for `«kind»` in the corpus: synthetic, and from parts.

No file holds a whole key of a service, so nothing here looks like one to a scanner of secrets.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from random import Random
from urllib.parse import quote

LETTERS_AND_DIGITS = string.ascii_letters + string.digits
URL_SAFE = LETTERS_AND_DIGITS + "-_"
HEX = "0123456789abcdef"
WORDS = (
    *("kestrel", "tangerine", "marmalade", "brontosaur", "kingfisher", "tundra"),
    *("gooseberry", "quartz", "lantern", "hazelnut", "obsidian", "paprika"),
    *("thistle", "walrus", "zeppelin", "juniper", "cormorant", "sycamore"),
)
SYMBOLS = "!$*-_.~+^"


def _text(random: Random, letters: str, length: int) -> str:
    """Return a text with a digit, a capital and a small letter if *letters* have them."""
    chosen = [random.choice(letters) for _ in range(length)]
    for place, kind in enumerate((string.digits, string.ascii_lowercase, string.ascii_uppercase)):
        chosen[place * 2 + 1] = random.choice([c for c in letters if c in kind] or letters)
    return "".join(chosen)


def _card(random: Random, start: str, length: int) -> str:
    body = start + "".join(random.choice(string.digits) for _ in range(length - len(start) - 1))
    return next(body + last for last in string.digits if _passes_luhn(body + last))


def _passes_luhn(digits: str) -> bool:
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _iban(random: Random) -> str:
    account = "".join(random.choice(string.digits) for _ in range(18))
    check = 98 - int(account + "131400") % 97
    return f"DE{check:02}{account}"


def _spaced(text: str) -> str:
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _pem(random: Random) -> str:
    lines = [_text(random, LETTERS_AND_DIGITS + "+/", 64) for _ in range(3)]
    kind = "PRIVATE" + " KEY"
    return "\n".join([f"-----BEGIN RSA {kind}-----", *lines, f"-----END RSA {kind}-----"])


def _jwt(random: Random) -> str:
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256"}, {"sub": _text(random, LETTERS_AND_DIGITS, 12)})
    )
    return f"{head}.{body}.{_text(random, URL_SAFE, 43)}"


def _basic(random: Random) -> str:
    return base64.b64encode(f"ada:{_password(random)}".encode()).decode()


def _password(random: Random) -> str:
    return f"{random.choice(WORDS)}{random.randrange(10, 9999)}"


def _strong(random: Random) -> str:
    inner = _text(random, LETTERS_AND_DIGITS + SYMBOLS, 12)
    return f"{random.choice(string.ascii_letters)}{inner}{random.choice(string.digits)}"


def _key(prefix: str, letters: str, length: int) -> Callable[[Random], str]:
    """Return what makes a key that begins with *prefix*, whose parts are joined at `|`."""
    return lambda random: prefix.replace("|", "") + _text(random, letters, length)


def _phrase(random: Random) -> str:
    return " ".join(random.sample(WORDS, 4))


KINDS: dict[str, Callable[[Random], str]] = {
    "password": _password,
    "word": lambda random: "".join(random.sample(WORDS, 2)),
    "strong": _strong,
    "phrase": _phrase,
    "pin": lambda random: str(random.randrange(1_000, 10_000)),
    "cvv": lambda random: str(random.randrange(100, 1_000)),
    "otp": lambda random: str(random.randrange(100_000, 1_000_000)),
    "hex32": _key("", HEX, 32),
    "hex40": _key("", HEX, 40),
    "hex64": _key("", HEX, 64),
    "b64": lambda random: _text(random, LETTERS_AND_DIGITS + "+/", 43) + "=",
    "b64url": _key("", URL_SAFE, 43),
    "b64pct": lambda random: quote(_text(random, LETTERS_AND_DIGITS + "+/", 43) + "=", safe=""),
    "basic": _basic,
    "jwt": _jwt,
    "pem": _pem,
    "pem_json": lambda random: _pem(random).replace("\n", "\\n"),
    "card": lambda random: _card(random, "4", 16),
    "card_spaced": lambda random: _spaced(_card(random, "53", 16)),
    "card_amex": lambda random: _card(random, "37", 15),
    "iban": _iban,
    "iban_spaced": lambda random: _spaced(_iban(random)),
    "aws": _key("AK|IA", string.ascii_uppercase + string.digits, 16),
    "github": _key("gh|p_", LETTERS_AND_DIGITS, 36),
    "gitlab": _key("gl|pat-", URL_SAFE, 20),
    "stripe": _key("sk_|live_", LETTERS_AND_DIGITS, 24),
    "openai": _key("sk|-proj-", URL_SAFE, 48),
    "anthropic": _key("sk|-ant-api03-", URL_SAFE, 60),
    "slack": _key("xo|xb-", string.digits, 24),
    "google": _key("AI|za", URL_SAFE, 35),
    "npm": _key("np|m_", LETTERS_AND_DIGITS, 36),
    "pypi": _key("py|pi-", URL_SAFE, 60),
    "huggingface": _key("h|f_", string.ascii_letters, 34),
    "twilio": _key("S|K", HEX, 32),
    "sendgrid": lambda random: (
        f"S{'G'}.{_text(random, URL_SAFE, 22)}.{_text(random, URL_SAFE, 43)}"
    ),
    "shopify": _key("shp|at_", HEX, 32),
    "digitalocean": _key("dop|_v1_", HEX, 64),
    "vault": _key("hv|s.", LETTERS_AND_DIGITS, 24),
    "telegram": lambda random: f"{random.randrange(10**9, 10**10)}:{_text(random, URL_SAFE, 35)}",
    "slack_webhook": lambda random: (
        f"https://hooks.sla{'ck'}.com/services/T{_text(random, HEX, 8).upper()}"
        f"/B{_text(random, HEX, 10).upper()}/{_text(random, LETTERS_AND_DIGITS, 24)}"
    ),
    "discord_webhook": lambda random: (
        f"https://disco{'rd'}.com/api/webhooks/{random.randrange(10**17, 10**18)}"
        f"/{_text(random, URL_SAFE, 68)}"
    ),
    "teams_webhook": lambda random: (
        f"https://shop.webhook.off{'ice'}.com/webhookb2/{_text(random, HEX, 32)}"
        f"/IncomingWebhook/{_text(random, HEX, 32)}"
    ),
}


def make_value(kind: str, seed: str) -> str:
    """Return a value of *kind*, always the same for the same *seed*."""
    return KINDS[kind](Random(f"{kind} {seed}"))


def telling_parts(value: str) -> list[str]:
    """Return the parts of *value* of which none may be seen: halves of it, words of a phrase."""
    lines = value.replace("\\n", "\n").split("\n")
    if len(lines) > 1:
        return lines[1:-1]
    if "://" in value:
        return [value.rpartition("/")[2]]
    if " " in value and not value.replace(" ", "").isalnum():
        return value.split()
    if " " in value:
        return [value, *(word for word in value.split() if len(word) > 4)]
    half = (len(value) + 1) // 2
    return [value] if len(value) < 10 else [value[:half], value[-half:]]
