"""Sends requests on one connection after another, and measures how the server answers."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse

PATIENCE_SECONDS = 20.0
"""After which an answer counts as never."""


@dataclass(frozen=True, slots=True)
class HttpOutcome:
    """How a request ended; *status* 0 means that the server closed the connection."""

    status: int
    seconds: float


class FuzzConnection:
    """A client of one server; it connects again whenever the server has closed."""

    def __init__(self, port: int, patience: float = PATIENCE_SECONDS) -> None:
        self._port = port
        self._patience = patience
        self._socket: socket.socket | None = None

    def send(self, wire: bytes, *, is_framed: bool = True) -> HttpOutcome:
        """Send *wire*, one request, and return how it ended.

        Behind one that is not framed nothing more is sent, as the server cannot tell where it ends.
        """
        started = time.monotonic()
        try:
            status = self._exchange(wire, is_framed)
        except (HTTPException, OSError):
            self.close()
            status = 0
        return HttpOutcome(status, time.monotonic() - started)

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, wire: bytes, is_framed: bool) -> int:  # noqa: FBT001 - see `send`
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), self._patience)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(wire)
        if not is_framed:
            self._socket.shutdown(socket.SHUT_WR)
        with HTTPResponse(
            self._socket, method=wire.partition(b" ")[0].decode("latin-1")
        ) as response:
            response.begin()
            is_stream = response.getheader("content-type", "").startswith("text/event-stream")
            if not is_stream:
                response.read()
            is_last = is_stream or not is_framed or response.will_close
        if is_last:
            self.close()
        return response.status
