"""Serves HTTP in the calling process, on its running loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import os
import resource
import socket
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import uvicorn

from bugsly_server.app import Server
from bugsly_server.connections.bounded_protocol import BoundedProtocol
from bugsly_server.connections.listening_socket import ListeningSocket
from bugsly_server.connections.open_connections import OpenConnections
from bugsly_server.errors import Misconfigured
from bugsly_server.settings import ServerSettings

GRACE_SECONDS = 3
"""For open requests to finish when the server is stopped."""
ACCEPTS_AT_A_TIME = 8
"""Connections that asyncio accepts before it looks at any of them."""


class HttpServer(uvicorn.Server):
    """Uvicorn that leaves signals to its caller."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                server.asgi,
                http=partial(BoundedProtocol, _open_connections(server.settings)),  # type: ignore[arg-type]
                ws="none",
                loop="asyncio",
                backlog=ACCEPTS_AT_A_TIME,
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                forwarded_allow_ips=[str(proxy) for proxy in server.settings.trusted_proxies],
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        server.url = server_url(sock, server.settings)
        self._bugsly = server
        self._sock = sock
        self.has_started = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self.has_started.set()

    async def run_until_stopped(self) -> None:
        """Serve until `stop` is called."""
        await self.serve(sockets=[self._sock])

    def stop(self) -> None:
        """End the event streams of open pages, let requests finish, and stop serving."""
        self._bugsly.live_updates.close()
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signals."""
        yield


def max_connections(settings: ServerSettings, max_descriptors: int) -> int:
    """Return how many connections may be open: at most half of the file descriptors."""
    return min(settings.max_connections, max_descriptors // 2)


def _open_connections(settings: ServerSettings) -> OpenConnections[BoundedProtocol]:
    """Return a limit on connections; half of them may be of one address that is no proxy's."""
    most = max_connections(settings, resource.getrlimit(resource.RLIMIT_NOFILE)[0])

    def is_proxy(address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in settings.trusted_proxies)

    return OpenConnections(most, most // 2, is_proxy)


def bind_socket(settings: ServerSettings, *, or_any: bool = False) -> socket.socket:
    """Return the socket to listen on; with *or_any*, a free port where the chosen one is taken.

    Raises `Misconfigured` where it cannot listen.
    """
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        sock = ListeningSocket(socket.create_server((settings.host, settings.port), family=family))
        sock.listen()
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None) or 0
        if number == errno.EADDRINUSE and or_any:
            return bind_socket(replace(settings, port=0))
        reason = os.strerror(number) if number > 0 else getattr(error, "strerror", error)
        problem = f"cannot listen on {settings.host}:{settings.port} ({reason})"
        if number in {errno.EADDRINUSE, errno.EACCES}:
            other_port = settings.port + 1 if 1024 <= settings.port < 65535 else 8420
            raise Misconfigured(
                f"BUGSLY_PORT: {problem}"
                f" → stop what uses it, or choose another with --port {other_port}"
            ) from None
        raise Misconfigured(
            f"BUGSLY_HOST: {problem} → choose an address of this machine with --host"
        ) from None
    # asyncio does so only where a socket names its protocol; replies would wait 40 ms for an ACK.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def server_url(sock: socket.socket, settings: ServerSettings) -> str:
    """Return the URL that the server is reached at, without a trailing slash."""
    if settings.public_url:
        return settings.public_url
    host, port = sock.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host)  # noqa: S104 - not bound here
    return f"http://{shown or (f'[{host}]' if ':' in host else host)}:{port}"
