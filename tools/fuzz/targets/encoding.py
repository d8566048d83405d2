"""Packed bodies: refused in one line, or unpacked within the limit."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.support.body_encodings import ENCODERS

from bugsly_server.errors import Rejected
from bugsly_server.ingest.content_encoding import decompress
from tools.fuzz.almost_valid import damaged
from tools.fuzz.laws import assert_refusal

MAX_UNPACKED_BYTES = 100_000
NAMES = ("", "identity", "gzip", "deflate", "br", "zstd", "GZIP ", "gzip, br", "\xff\n")


def _pack(index: int, encoder: str, content: bytes, times: int) -> bytes:
    return bytes([index]) + ENCODERS[encoder][1](content * times)


INPUTS = damaged(
    st.builds(
        _pack,
        st.integers(0, len(NAMES) - 1),
        st.sampled_from(sorted(ENCODERS)),
        st.binary(max_size=60),
        st.sampled_from([1, 2, 1_000, 50_000]),
    )
)


def check(data: bytes) -> None:
    """Unpack all but the first byte, which chooses the encoding."""
    name = NAMES[data[0] % len(NAMES)] if data else ""
    try:
        unpacked = decompress(data[1:], name, MAX_UNPACKED_BYTES)
    except Rejected as refusal:
        assert_refusal(refusal)
    else:
        assert len(unpacked) <= MAX_UNPACKED_BYTES or name in {"", "identity"}
