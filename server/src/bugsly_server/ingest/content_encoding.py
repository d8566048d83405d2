"""Decompresses a body of any known encoding, never into more memory than is allowed."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from bugsly_server.errors import Rejected

CHUNK_BYTES = 64 * 1024
MAX_ZSTD_WINDOW = 8 * 1024 * 1024


def decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return *body* unpacked by *encoding*, the value of Content-Encoding.

    Raises `Rejected`: 413 beyond *max_bytes*, 400 for data that are broken or end too early, and
    415 for an unknown encoding.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    unpack = ENCODINGS.get(name)
    if unpack is None:
        known = ", ".join(sorted(ENCODINGS))
        raise Rejected(415, f"body: encoding {name[:40]!r} is not supported → use one of {known}")
    return unpack(body, max_bytes)


def _too_large(max_bytes: int) -> Rejected:
    return Rejected(413, f"body: unpacks to more than {max_bytes} bytes → send less at a time")


def _broken(name: str) -> Rejected:
    fact = f"body: not complete {name} data"
    return Rejected(400, f"{fact} → check the client, or a proxy on the way")


def _gzip(body: bytes, max_bytes: int) -> bytes:
    return _zlib(body, max_bytes, zlib.MAX_WBITS | 16, "gzip")


def _deflate(body: bytes, max_bytes: int) -> bytes:
    """Decompress zlib data (RFC 1950), as HTTP means it, or the raw data that some clients send."""
    is_zlib = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return _zlib(body, max_bytes, zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS, "deflate")


def _zlib(body: bytes, max_bytes: int, window: int, name: str) -> bytes:
    unpacker = zlib.decompressobj(window)
    try:
        unpacked = unpacker.decompress(body, max_bytes + 1)
    except zlib.error:
        raise _broken(name) from None
    if len(unpacked) > max_bytes:
        raise _too_large(max_bytes)
    if not unpacker.eof or unpacker.unused_data:
        raise _broken(name)
    return unpacked


def _brotli(body: bytes, max_bytes: int) -> bytes:
    import brotli

    unpacker = brotli.Decompressor()
    parts, size, pending = [], 0, body
    try:
        while not unpacker.is_finished():
            part = unpacker.process(pending, output_buffer_limit=CHUNK_BYTES)
            pending = b""
            size += len(part)
            parts.append(part)
            if size > max_bytes:
                raise _too_large(max_bytes)
            if not part and unpacker.can_accept_more_data() and not unpacker.is_finished():
                raise _broken("brotli")
    except brotli.error:
        raise _broken("brotli") from None
    return b"".join(parts)


def _zstd(body: bytes, max_bytes: int) -> bytes:
    """Measure in bounded pieces first, then decompress: a frame need not state its size."""
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW)
    size, parts, remaining = 0, [], body
    if not body:
        raise _broken("zstd")
    try:
        with unpacker.stream_reader(body, read_across_frames=True) as reader:
            while part := reader.read(CHUNK_BYTES):
                size += len(part)
                if size > max_bytes:
                    raise _too_large(max_bytes)
        while remaining:
            frame = unpacker.decompressobj()
            parts.append(frame.decompress(remaining))
            if not frame.eof:
                raise _broken("zstd")
            remaining = frame.unused_data
    except zstandard.ZstdError:
        raise _broken("zstd") from None
    return b"".join(parts)


ENCODINGS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
