"""Listens for HTTP, in the process and on the loop it is called from."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from dataclasses import replace

import uvicorn

from bugsly_server.app import Server
from bugsly_server.errors import Misconfigured
from bugsly_server.settings import Settings

GRACE = 3
"""Seconds for open requests when the server is stopped."""


class Listener(uvicorn.Server):
    """Uvicorn that leaves signals to whoever started it."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                server.asgi,
                http="httptools",
                loop="asyncio",
                lifespan="on",
                access_log=False,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=GRACE,
            )
        )
        server.address = address(sock, server.settings)
        self._bugsly = server
        self._sock = sock
        self.has_started = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.has_started.set()

    async def run_until_stopped(self) -> None:
        """Serve until `stop` is called."""
        await self.serve(sockets=[self._sock])

    def stop(self) -> None:
        """End the streams of open pages, let requests finish, and return from serving."""
        self._bugsly.pulse.close()
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def bind(settings: Settings, *, or_any: bool = False) -> socket.socket:
    """Return the socket to listen on; *or_any* free port will do where the chosen one is taken.

    Raises `Misconfigured` where it cannot be had.
    """
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=1024)
    except OSError as error:
        if or_any and error.errno == errno.EADDRINUSE:
            return bind(replace(settings, port=0))
        where = f"{settings.host}:{settings.port}"
        raise Misconfigured(
            f"BUGSLY_PORT: cannot listen on {where} ({error.strerror})"
            f" → stop what uses it, or choose another with --port {settings.port + 1}"
        ) from None


def address(sock: socket.socket, settings: Settings) -> str:
    """Return the address under which the server is reached, without a slash at its end."""
    if settings.public_url:
        return settings.public_url
    host, port = sock.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - not bound here
    return f"http://{shown}:{port}"
