"""Decompresses a body of any known encoding, never into more memory than is allowed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple

from bugsly_server.errors import Rejected

GZIP_WINDOW = zlib.MAX_WBITS | 16
CHUNK_BYTES = 64 * 1024
MAX_ZSTD_WINDOW = 8 * 1024 * 1024


def decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return *body* unpacked by *encoding*, the value of Content-Encoding.

    Raises `Rejected`: 413 beyond *max_bytes*, 400 for data that are broken or end too early, and
    415 for an unknown encoding.
    """
    known = _known_encoding(encoding)
    return body if known is None else known.unpack(body, max_bytes)


def decompress_start(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return the first *max_bytes*, or fewer, of what *body* unpacks to; it may lack its end.

    Raises `Rejected`: 400 for data that are broken, and 415 for an unknown encoding.
    """
    known = _known_encoding(encoding)
    return body[:max_bytes] if known is None else known.unpack_start(body, max_bytes)


class BodyEncoding(NamedTuple):
    """How an encoding is unpacked, whole or from a start."""

    unpack: Callable[[bytes, int], bytes]
    unpack_start: Callable[[bytes, int], bytes]


def _known_encoding(encoding: str) -> BodyEncoding | None:
    """Return the encoding of that name; None where nothing is packed."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return None
    if name not in ENCODINGS:
        known = ", ".join(sorted(ENCODINGS))
        raise Rejected(415, f"body: encoding {name[:40]!r} is not supported → use one of {known}")
    return ENCODINGS[name]


def _too_large(max_bytes: int) -> Rejected:
    return Rejected(413, f"body: unpacks to more than {max_bytes} bytes → send less at a time")


def _broken(name: str) -> Rejected:
    fact = f"body: not complete {name} data"
    return Rejected(400, f"{fact} → check the client, or a proxy on the way")


def _gzip(body: bytes, max_bytes: int) -> bytes:
    return _unpack_zlib(body, max_bytes, GZIP_WINDOW, "gzip")


def _gzip_start(body: bytes, max_bytes: int) -> bytes:
    return _unpack_zlib_start(body, max_bytes, GZIP_WINDOW, "gzip")


def _deflate(body: bytes, max_bytes: int) -> bytes:
    return _unpack_zlib(body, max_bytes, _deflate_window(body), "deflate")


def _deflate_start(body: bytes, max_bytes: int) -> bytes:
    return _unpack_zlib_start(body, max_bytes, _deflate_window(body), "deflate")


def _deflate_window(body: bytes) -> int:
    """Return that of zlib data (RFC 1950), as HTTP means it, or of the raw data of some clients."""
    is_zlib = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS


def _unpack_zlib(body: bytes, max_bytes: int, window: int, name: str) -> bytes:
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


def _unpack_zlib_start(body: bytes, max_bytes: int, window: int, name: str) -> bytes:
    try:
        return zlib.decompressobj(window).decompress(body, max_bytes)
    except zlib.error:
        raise _broken(name) from None


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


def _brotli_start(body: bytes, max_bytes: int) -> bytes:
    import brotli

    try:
        start: bytes = brotli.Decompressor().process(body, output_buffer_limit=max_bytes)
        return start[:max_bytes]
    except brotli.error:
        raise _broken("brotli") from None


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


def _zstd_start(body: bytes, max_bytes: int) -> bytes:
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW)
    try:
        with unpacker.stream_reader(body) as reader:
            start: bytes = reader.read(max_bytes)
            return start
    except zstandard.ZstdError:
        raise _broken("zstd") from None


ENCODINGS = {
    "gzip": BodyEncoding(_gzip, _gzip_start),
    "deflate": BodyEncoding(_deflate, _deflate_start),
    "br": BodyEncoding(_brotli, _brotli_start),
    "zstd": BodyEncoding(_zstd, _zstd_start),
}
