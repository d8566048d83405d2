"""Reads the body of a request that may only be small, for endpoints of programs."""

from __future__ import annotations

from starlette.requests import Request


async def read_small_body(request: Request, max_bytes: int) -> bytes | None:
    """Return the body; None where it is larger than *max_bytes*, without reading the rest."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > max_bytes:
            return None
    return bytes(body)
