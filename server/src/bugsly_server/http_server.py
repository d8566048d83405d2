"""Serves HTTP in the calling process, on its running loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import replace

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bugsly_server.app import Server
from bugsly_server.errors import Misconfigured
from bugsly_server.settings import ServerSettings

GRACE_SECONDS = 3
"""For open requests to finish when the server is stopped."""
MAX_HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 30.0
"""For the request line and the headers to arrive."""
HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with limits on the head of a request, in bytes and in time."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection; its first request has to arrive soon."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take *data*; close the connection where the head is too large."""
        counted = len(data) if self._in_head else 0
        super().data_received(data)
        self._head_bytes += counted
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self.transport.write(HEAD_TOO_LARGE)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection."""
        self._hanging_up.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._hanging_up.cancel()
        self._await_head()

    def on_headers_complete(self) -> None:
        """End the head of a request."""
        self._in_head = False
        self._hanging_up.cancel()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        self._hanging_up = self.loop.call_later(HEAD_SECONDS, self.transport.close)


class HttpServer(uvicorn.Server):
    """Uvicorn that leaves signals to its caller."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                server.asgi,
                http=BoundedProtocol,
                loop="asyncio",
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


def bind_socket(settings: ServerSettings, *, or_any: bool = False) -> socket.socket:
    """Return the socket to listen on; with *or_any*, a free port where the chosen one is taken.

    Raises `Misconfigured` where it cannot listen.
    """
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        sock = socket.create_server((settings.host, settings.port), family=family, backlog=1024)
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
