"""Refuses requests that name a host which is not this server, as DNS rebinding makes a browser do.

A page of evil.example can have its name point to this server's address; the browser then lets it
read our answers, and tells us so only by the Host header. An address cannot be rebound, since a
page at an address comes from that address, so any address may stand there: containers, forwarded
ports and health checks need no setting.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bugsly_server.settings import ServerSettings

HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::([0-9]{1,5}))?", re.IGNORECASE)
"""An address in brackets, or a name or address, and a port."""
MAX_PORT = 65535
ANY_HOST_PATHS = re.compile(r"/api/[^/]+/(?:envelope|store)/|/healthz|/readyz|/metrics")
"""What programs reach under names that nobody lists, such as that of a container.

They show a key or a token in each request, which no page has, or are told nothing.
"""


class HostCheck:
    """Passes on what names this server, and answers the rest with one line."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or ANY_HOST_PATHS.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        hosts = Headers(scope=scope).getlist("host")
        if len(hosts) == 1 and is_known_host(hosts[0], self._names):
            await self._app(scope, receive, send)
            return
        refusal = PlainTextResponse(_refusal(hosts), 403)
        await refusal(scope, receive, send)


def known_names(settings: ServerSettings) -> frozenset[str]:
    """Return the names of this server, in lower case: from the settings, and of the machine."""
    public_name = urlsplit(settings.public_url).hostname
    names = (settings.host, socket.gethostname(), public_name, *settings.allowed_hosts)
    return frozenset({"localhost", *(_normalized(name) for name in names if name)})


def is_known_host(host: str, names: frozenset[str]) -> bool:
    """Return whether the Host header *host* is an address, below localhost, or one of *names*."""
    found = HOST.fullmatch(host)
    if found is None or int(found[3] or 0) > MAX_PORT:
        return False
    name = _normalized(found[1] or found[2])
    return name in names or name.endswith(".localhost") or _is_address(name)


def _normalized(name: str) -> str:
    return name.lower().removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _refusal(hosts: list[str]) -> str:
    found = HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    name = found[2] if found is not None and found[2] else "it"
    return f"host: {name} is no name of this server → open its URL, or set BUGSLY_ALLOWED_HOSTS"
