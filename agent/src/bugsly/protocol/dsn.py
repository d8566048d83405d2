"""Parses the address and key an agent sends to: `http://KEY@HOST[:PORT][/PREFIX]/PROJECT`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

MAX_PROJECT_DIGITS = 18
LOCAL_DOMAINS = frozenset({"local", "internal", "lan", "svc", "localdomain", "intranet", "home"})
"""Ends of names that no public name server knows; a name without a dot, as of Docker, is local."""


class PlainTextRisk(Enum):
    """Who may read what the agent sends without encryption, in the words of its log."""

    NONE = ""
    NETWORK = "everybody on that network"
    INTERNET = "everybody on the way there"


class InvalidDsn(ValueError):
    """A text that is no DSN; the message is one sentence on what it lacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dsn:
    """A parsed DSN, in the form every Sentry SDK uses."""

    scheme: str
    key: str
    host: str
    port: int
    prefix: str
    project: int

    @property
    def path(self) -> str:
        """Return the path envelopes are posted to."""
        return f"{self.prefix}/api/{self.project}/envelope/"

    def __str__(self) -> str:
        standard = {"http": 80, "https": 443}[self.scheme]
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == standard else f":{self.port}"
        return f"{self.scheme}://{self.key}@{host}{port}{self.prefix}/{self.project}"


def parse_dsn(text: str) -> Dsn:
    """Return *text* as a `Dsn`, or raise `InvalidDsn` with what is missing."""
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise InvalidDsn("its host or port cannot be read") from None
    if parts.scheme not in {"http", "https"}:
        raise InvalidDsn("it has to begin with http:// or https://")
    if not parts.username:
        raise InvalidDsn("it names no key before the @")
    if not (parts.username.isascii() and parts.username.isalnum()):
        raise InvalidDsn("its key has other characters than letters and digits")
    if not parts.hostname:
        raise InvalidDsn("it names no host after the @")
    prefix, _, project = parts.path.rstrip("/").rpartition("/")
    if not (project.isascii() and project.isdigit() and len(project) <= MAX_PROJECT_DIGITS):
        raise InvalidDsn("it has to end with the project's number")
    address = f"{parts.hostname}{prefix}"
    if not address.isprintable() or " " in address or not prefix.isascii():
        raise InvalidDsn("its host or path has characters that no address has")
    return Dsn(
        scheme=parts.scheme,
        key=parts.username,
        host=parts.hostname,
        port=port or (443 if parts.scheme == "https" else 80),
        prefix=prefix,
        project=int(project),
    )


def plain_text_risk(dsn: Dsn) -> PlainTextRisk:
    """Return who may read what is sent to *dsn*, as far as its text tells."""
    if dsn.scheme == "https":
        return PlainTextRisk.NONE
    import ipaddress

    try:
        address = ipaddress.ip_address(dsn.host)
    except ValueError:
        return _risk_of_name(dsn.host.rstrip("."))
    if address.is_loopback:
        return PlainTextRisk.NONE
    return PlainTextRisk.INTERNET if address.is_global else PlainTextRisk.NETWORK


def _risk_of_name(host: str) -> PlainTextRisk:
    labels = host.lower().split(".")
    if labels[-1] == "localhost":
        return PlainTextRisk.NONE
    is_local = len(labels) == 1 or labels[-1] in LOCAL_DOMAINS or labels[-2:] == ["home", "arpa"]
    return PlainTextRisk.NETWORK if is_local else PlainTextRisk.INTERNET
