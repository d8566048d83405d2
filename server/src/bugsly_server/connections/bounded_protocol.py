"""Uvicorn's protocol with limits on what a client may send, and on how long it may take."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bugsly_server.connections.open_connections import OpenConnections

LOG = logging.getLogger("bugsly")
MAX_HEAD_BYTES = 64 * 1024
MAX_PAGE_BODY_BYTES = 256 * 1024
"""Of what is posted to pages; ingest has limits of its own."""
INGEST_PREFIX = "/api/"
MAX_PIPELINED_REQUESTS = 100
"""Requests that are sent before the response to the first."""
HEAD_SECONDS = 10.0
"""For the request line and the headers to arrive."""
BODY_SECONDS = 60.0
"""For a body to arrive; ingest is stricter."""
WRITE_SECONDS = 60.0
"""For a client to take more of a response that it does not read."""
HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)
TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"content-length: 0\r\nretry-after: 10\r\nconnection: close\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection. It ends where its client sends too much, or is too slow, or idle too long."""

    def __init__(self, connections: OpenConnections[BoundedProtocol], **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._open_connections = connections
        self._deadline: asyncio.TimerHandle | None = None
        self._write_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection, if there is room; its first request has to arrive soon."""
        super().connection_made(transport)
        self._await_head()
        crowded_out = self._open_connections.add(self, self.client[0] if self.client else "")
        if crowded_out is None:
            return
        LOG.warning(
            "connections: as many are open as may be → one that waits is closed for each new one;"
            " more are possible by BUGSLY_MAX_CONNECTIONS and a higher limit of open files"
        )
        if crowded_out is self:
            transport.write(TOO_MANY)
            transport.close()
        else:
            crowded_out.transport.abort()

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
        self._open_connections.remove(self)
        _cancel(self._deadline)
        _cancel(self._write_deadline)
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those after a body, which nobody reads, are dropped."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head of a request."""
        if len(self.pipeline) >= MAX_PIPELINED_REQUESTS:
            raise httptools.HttpParserError("too many requests at once")
        self._in_head = False
        self._body_bytes = 0
        self._expect_within(BODY_SECONDS)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._body_bytes += len(body)
        is_page = not self.scope["path"].startswith(INGEST_PREFIX)
        if is_page and self._body_bytes > MAX_PAGE_BODY_BYTES:
            raise httptools.HttpParserError("too long a body")
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request; from here on the client waits for us."""
        super().on_message_complete()
        _cancel(self._deadline)
        if not self.cycle.response_complete:
            self._open_connections.mark_busy(self)

    def on_response_complete(self) -> None:
        """End a response."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._open_connections.mark_waiting(self)
            self._expect_within(HEAD_SECONDS)

    def pause_writing(self) -> None:
        """Wait for a client that does not read, but not for ever."""
        super().pause_writing()
        self._write_deadline = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        _cancel(self._write_deadline)

    def _await_head(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        self._expect_within(HEAD_SECONDS)

    def _expect_within(self, seconds: float) -> None:
        _cancel(self._deadline)
        self._deadline = self.loop.call_later(seconds, self.transport.abort)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
