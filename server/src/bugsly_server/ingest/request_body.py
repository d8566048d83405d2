"""Reads the body of a request, chunked or not, within limits of size and time."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Receive

from bugsly_server.errors import Rejected
from bugsly_server.ingest import limits
from bugsly_server.ingest.buffer_budget import TakeBytes


class RequestBody:
    """The body of one request; *is_read* says whether all of it has arrived."""

    def __init__(self, receive: Receive, declared: bytes) -> None:
        """Read from *receive*; *declared* is the value of Content-Length."""
        self._receive = receive
        self._declared_bytes = _content_length(declared)
        self._received = bytearray()
        self.is_read = False

    async def read_start(self, enough_bytes: int) -> bytes:
        """Return what has arrived once that is *enough_bytes*, or all; raise as `read` does."""
        await self._receive_until(enough_bytes, lambda _amount: None)
        return bytes(self._received)

    async def read(self, take_bytes: TakeBytes) -> bytes:
        """Return the whole body, taking bytes for each part.

        Raises `Rejected`: 413 where it is too large, 408 where it is too slow, and 400 where the
        client disconnects.
        """
        take_bytes(len(self._received))
        await self._receive_until(limits.MAX_BODY_BYTES + 1, take_bytes)
        return bytes(self._received)

    async def _receive_until(self, enough_bytes: int, take_bytes: TakeBytes) -> None:
        too_large = Rejected(
            413, f"body: longer than {limits.MAX_BODY_BYTES} bytes → send less at a time"
        )
        if self._declared_bytes > limits.MAX_BODY_BYTES:
            raise too_large
        try:
            async with asyncio.timeout(limits.READ_SECONDS):
                while not self.is_read and len(self._received) < enough_bytes:
                    part = await self._next_part()
                    take_bytes(len(part))
                    self._received += part
        except TimeoutError:
            raise Rejected(408, "body: took too long to arrive → send it faster, or less") from None
        if len(self._received) > limits.MAX_BODY_BYTES:
            raise too_large

    async def drain(self) -> None:
        """Read and drop the rest, but not for long, and not all of a flood."""
        drained_bytes = 0
        with suppress(TimeoutError, Rejected):
            async with asyncio.timeout(limits.DRAIN_SECONDS):
                while not self.is_read and drained_bytes < limits.MAX_BODY_BYTES:
                    drained_bytes += len(await self._next_part())

    async def _next_part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.is_read = True
            raise Rejected(400, "body: the client went away before its end")
        self.is_read = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part


def _content_length(declared: bytes) -> int:
    """Return the value of a Content-Length; 0 for an invalid one, which is refused elsewhere."""
    return int(declared[:19]) if declared.isdigit() else 0
