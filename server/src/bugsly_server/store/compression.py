"""Compresses the bodies of events."""

from __future__ import annotations

import zstandard

from bugsly_server.errors import UnreadableRecord

COMPRESSION_LEVEL = 3
MAX_UNPACKED_BYTES = 64 * 1024 * 1024


def compress(body: bytes) -> bytes:
    """Return *body* compressed, with a checksum, by which damage on the disk is noticed."""
    return zstandard.ZstdCompressor(level=COMPRESSION_LEVEL, write_checksum=True).compress(body)


def decompress(compressed: bytes) -> bytes:
    """Return *body* as it was before `compress`; raise `UnreadableRecord` where it is damaged."""
    try:
        return zstandard.ZstdDecompressor().decompress(compressed, MAX_UNPACKED_BYTES)
    except zstandard.ZstdError as error:
        raise UnreadableRecord(f"its body is damaged ({error})") from None
