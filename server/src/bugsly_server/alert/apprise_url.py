"""What of an Apprise URL may be shown: where it has a password, and what is a token, varies."""

from __future__ import annotations

import re
from urllib.parse import unquote

MAIL_SCHEMES = ("mailto", "mailtos")
HOST_SCHEMES = (
    *MAIL_SCHEMES,
    "form",
    "forms",
    "gotify",
    "gotifys",
    "json",
    "jsons",
    "mmost",
    "mmosts",
    "xml",
)
"""Schemes whose first part is a host. That of most others is a secret."""
HARMLESS_PARAMETERS = ("bcc", "cc", "format", "from", "mode", "reply", "smtp", "to")
"""Parameters that are none."""
MIN_UNBOUNDED_LENGTH = 4
"""What is shorter is blotted out only where it stands alone: holes in words would give it away."""


def masked(url: str) -> str:
    """Return the service, and its host where that is one."""
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}://{host}/…" if scheme.lower() in HOST_SCHEMES else f"{scheme}://…"


def scrub(text: str, url: str) -> str:
    """Return *text* with whatever in it may be a secret of *url* blotted out."""
    pieces = {piece for one in _secrets(url) for piece in (one, unquote(one)) if piece}
    if not pieces:
        return text
    longest_first = sorted(pieces, key=len, reverse=True)
    return re.sub("|".join(map(_pattern, longest_first)), "***", text, flags=re.IGNORECASE)


def _pattern(piece: str) -> str:
    escaped = re.escape(piece)
    return escaped if len(piece) >= MIN_UNBOUNDED_LENGTH else rf"(?<!\w){escaped}(?!\w)"


def _secrets(url: str) -> list[str]:
    """Return every part of *url* that is not known to be harmless."""
    scheme, _, rest = url.lower().partition("://")
    path, _, query = rest.partition("?")
    authority, _, targets = path.partition("/")
    login, _, host = authority.rpartition("@")
    parameters = [one.partition("=") for one in query.split("&")]
    pieces = [value for name, _, value in parameters if name not in HARMLESS_PARAMETERS]
    pieces.append(login.partition(":")[2])
    if scheme not in MAIL_SCHEMES:
        pieces += [*login.split(":"), *re.split(r"[/,]", targets)]
    if scheme not in HOST_SCHEMES:
        pieces += [host, *host.split(":")]
    return pieces
