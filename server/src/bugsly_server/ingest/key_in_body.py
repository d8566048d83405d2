"""Finds the key of an envelope in its first line, before the rest of it is read."""

from __future__ import annotations

from bugsly.protocol.envelope import MAX_HEADER_BYTES
from bugsly_server.ingest.content_encoding import decompress_start
from bugsly_server.ingest.item_sorting import read_envelope
from bugsly_server.ingest.project_keys import key_in_envelope
from bugsly_server.ingest.request_body import RequestBody

FIRST_START_BYTES = 16 * 1024
MAX_START_BYTES = 256 * 1024
"""Room for a block of zstd, of which nothing can be unpacked before all of it is there."""


async def read_key(body: RequestBody, encoding: str) -> str | None:
    """Return the key that the header of the envelope in *body* names.

    Raises `Rejected` where that header cannot be read.
    """
    return key_in_envelope(read_envelope(await _first_line(body, encoding)).header)


async def _first_line(body: RequestBody, encoding: str) -> bytes:
    """Return the first line of *body*, or as much of it as a header may have and a byte more."""
    start_bytes = FIRST_START_BYTES
    while True:
        start = decompress_start(await body.read_start(start_bytes), encoding, MAX_HEADER_BYTES + 1)
        line, newline, _ = start.partition(b"\n")
        is_whole = newline or len(start) > MAX_HEADER_BYTES or body.is_read
        if is_whole or start_bytes >= MAX_START_BYTES:
            return line
        start_bytes *= 2
