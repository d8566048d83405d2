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

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.is_read = False

    async def read(self, declared: bytes, take_bytes: TakeBytes) -> bytes:
        """Return the whole body, taking bytes for each part; *declared* is the Content-Length.

        Raises `Rejected`: 413 where it is too large, 408 where it is too slow, and 400 where the
        client disconnects.
        """
        too_large = Rejected(
            413, f"body: longer than {limits.MAX_BODY_BYTES} bytes → send less at a time"
        )
        if _content_length(declared) > limits.MAX_BODY_BYTES:
            raise too_large
        parts, size = [], 0
        try:
            async with asyncio.timeout(limits.READ_SECONDS):
                while not self.is_read:
                    part = await self._next_part()
                    take_bytes(len(part))
                    size += len(part)
                    if size > limits.MAX_BODY_BYTES:
                        raise too_large
                    parts.append(part)
        except TimeoutError:
            raise Rejected(408, "body: took too long to arrive → send it faster, or less") from None
        return b"".join(parts)

    async def drain(self) -> None:
        """Read and drop the rest, but not for long."""
        with suppress(TimeoutError, Rejected):
            async with asyncio.timeout(limits.DRAIN_SECONDS):
                while not self.is_read:
                    await self._next_part()

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
