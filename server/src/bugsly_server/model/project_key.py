"""The key of a DSN: what it may send, from which pages, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from urllib.parse import urlsplit

from bugsly_server.clock import Micros

ANY_ORIGIN = "*"
SUBDOMAINS = "*."
STANDARD_PORTS = {"http": 80, "https": 443}


class ProjectKeyKind(StrEnum):
    """What a key is for."""

    SDK = "sdk"
    """Events, sessions and feedback, also from browsers, where everybody can read the key."""
    AGENT = "agent"
    """Memory as well, and probe requests come back."""


class InvalidOrigin(ValueError):
    """A text that is no origin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectKey:
    """One key of a project."""

    public: str
    project_id: int
    kind: ProjectKeyKind
    name: str
    origins: tuple[str, ...]
    """Of the pages that may send with it: `*`, `https://shop.test` or `https://*.shop.test`."""
    created_at: Micros
    ends_at: Micros | None
    """From when it is refused; None where that is not decided."""
    used_at: Micros | None
    """When something was last sent with it, to ten seconds; None where nothing was."""

    def has_ended(self, now: Micros) -> bool:
        """Return whether it is refused by now."""
        return self.ends_at is not None and now >= self.ends_at

    def allows_origin(self, origin: str | None) -> bool:
        """Return whether a request with that Origin header may use it; None where it has none.

        Only browsers send the header, and a page cannot forge it.
        """
        return origin is None or any(_matches(one, origin) for one in self.origins)


def parse_origins(text: str) -> tuple[str, ...]:
    """Return the origins in *text*, one per line; raise `InvalidOrigin` for what is none."""
    return tuple(dict.fromkeys(_parse_origin(line) for line in text.split()))


def newest_usable(keys: Iterable[ProjectKey], kind: ProjectKeyKind) -> ProjectKey | None:
    """Return the key of *kind* that new clients get: the newest whose end is not decided."""
    usable = [one for one in keys if one.kind is kind and one.ends_at is None]
    return max(usable, key=attrgetter("created_at"), default=None)


def _parse_origin(text: str) -> str:
    if text == ANY_ORIGIN:
        return text
    try:
        parts = urlsplit(text.lower())
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        raise InvalidOrigin(text) from None
    rest = (parts.path.strip("/"), parts.query, parts.fragment, parts.username)
    if scheme not in STANDARD_PORTS or any(rest) or "*" in host.removeprefix(SUBDOMAINS):
        raise InvalidOrigin(text)
    if not host.removeprefix(SUBDOMAINS):
        raise InvalidOrigin(text)
    shown_host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown_host}" + (
        "" if port in {None, STANDARD_PORTS[scheme]} else f":{port}"
    )


def _matches(allowed: str, origin: str) -> bool:
    if allowed in {ANY_ORIGIN, origin}:
        return True
    scheme, is_pattern, domain = allowed.partition(f"://{SUBDOMAINS}")
    return (
        bool(is_pattern)
        and origin.startswith(f"{scheme}://")
        and origin.removeprefix(f"{scheme}://").endswith(f".{domain}")
    )
