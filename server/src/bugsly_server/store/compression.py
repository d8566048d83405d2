"""Compresses the bodies of events."""

from __future__ import annotations

import zstandard

COMPRESSION_LEVEL = 3
MAX_UNPACKED_BYTES = 64 * 1024 * 1024


def compress(body: bytes) -> bytes:
    """Return *body* compressed."""
    return zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compress(body)


def decompress(compressed: bytes) -> bytes:
    """Return *body* as it was before `compress`."""
    return zstandard.ZstdDecompressor().decompress(compressed, MAX_UNPACKED_BYTES)
