"""Packs the bodies of events."""

from __future__ import annotations

import zstandard

LEVEL = 3
LARGEST = 64 * 1024 * 1024


def pack(body: bytes) -> bytes:
    """Return *body* compressed."""
    return zstandard.ZstdCompressor(level=LEVEL).compress(body)


def unpack(packed: bytes) -> bytes:
    """Return what `pack` was given."""
    return zstandard.ZstdDecompressor().decompress(packed, LARGEST)
