"""Bodies in every encoding that is read, whole, cut short and blown up."""

import gzip
import zlib
from collections.abc import Callable

import brotli
import zstandard

Encode = Callable[[bytes], bytes]


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def zstd_without_size(body: bytes) -> bytes:
    """Pack as a stream does: the frame does not tell how much it holds."""
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(body) + packer.flush()


ENCODERS: dict[str, tuple[str, Encode]] = {
    "gzip": ("gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", lambda body: brotli.compress(body, quality=5)),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "zstd without size": ("zstd", zstd_without_size),
}
"""By name: the value of Content-Encoding, and how it is made."""
