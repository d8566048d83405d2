"""Unpacks a body in whatever encoding it came, and never into more memory than is allowed."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from bugsly_server.errors import Rejected

CHUNK = 64 * 1024
MAX_ZSTD_WINDOW = 8 * 1024 * 1024


def decompress(body: bytes, encoding: str, most: int) -> bytes:
    """Return *body* unpacked by *encoding*, the value of Content-Encoding.

    Raises `Rejected` with 413 beyond *most* bytes, with 400 where the data are broken or end too
    early, and with 415 for an encoding we do not read.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    unpack = ENCODINGS.get(name)
    if unpack is None:
        known = ", ".join(sorted(ENCODINGS))
        raise Rejected(415, f"body: encoding {name[:40]!r} is not read here → use one of {known}")
    return unpack(body, most)


def _too_large(most: int) -> Rejected:
    return Rejected(413, f"body: unpacks to more than {most} bytes → send less at a time")


def _broken(name: str) -> Rejected:
    return Rejected(400, f"body: is no complete {name} → check the client, or a proxy on the way")


def _gzip(body: bytes, most: int) -> bytes:
    return _zlib(body, most, zlib.MAX_WBITS | 16, "gzip")


def _deflate(body: bytes, most: int) -> bytes:
    """Unpack zlib data (RFC 1950), which HTTP means, or the raw kind that some clients send."""
    is_zlib = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return _zlib(body, most, zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS, "deflate")


def _zlib(body: bytes, most: int, window: int, name: str) -> bytes:
    unpacker = zlib.decompressobj(window)
    try:
        unpacked = unpacker.decompress(body, most + 1)
    except zlib.error:
        raise _broken(name) from None
    if len(unpacked) > most:
        raise _too_large(most)
    if not unpacker.eof or unpacker.unused_data:
        raise _broken(name)
    return unpacked


def _brotli(body: bytes, most: int) -> bytes:
    import brotli

    unpacker = brotli.Decompressor()
    parts, size, feed = [], 0, body
    try:
        while not unpacker.is_finished():
            part = unpacker.process(feed, output_buffer_limit=CHUNK)
            feed = b""
            size += len(part)
            parts.append(part)
            if size > most:
                raise _too_large(most)
            if not part and unpacker.can_accept_more_data() and not unpacker.is_finished():
                raise _broken("brotli")
    except brotli.error:
        raise _broken("brotli") from None
    return b"".join(parts)


def _zstd(body: bytes, most: int) -> bytes:
    """Measure first, in pieces of bounded size, and unpack then: a frame may not say its size."""
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW)
    size, parts, rest = 0, [], body
    if not body:
        raise _broken("zstd")
    try:
        with unpacker.stream_reader(body, read_across_frames=True) as reader:
            while part := reader.read(CHUNK):
                size += len(part)
                if size > most:
                    raise _too_large(most)
        while rest:
            frame = unpacker.decompressobj()
            parts.append(frame.decompress(rest))
            if not frame.eof:
                raise _broken("zstd")
            rest = frame.unused_data
    except zstandard.ZstdError:
        raise _broken("zstd") from None
    return b"".join(parts)


ENCODINGS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
