"""DSNs: refused in one line, or written as text that is read as the same DSN."""

from __future__ import annotations

from hypothesis import strategies as st

from bugsly.protocol.dsn import InvalidDsn, parse_dsn
from tools.fuzz.almost_valid import TEXTS, damaged, texts_as_bytes
from tools.fuzz.laws import assert_one_line

MAX_REASON_LENGTH = 100
MAX_DEFAULTS_LENGTH = 20
"""Of a port that the text left out."""
HOSTS = st.sampled_from(
    ["bugs.example.com", "[::1]", "[fe80::1%25eth0]", "127.0.0.1", "HOST", "é.example"]
)
PREFIXES = st.sampled_from(["", "/", "/bugs", "//", "/a/b", "/%2f", "/é", "/ ", "/a?b", "/a#b"])
INPUTS = damaged(
    texts_as_bytes(
        st.builds(
            "{}://{}@{}{}{}/{}".format,
            st.sampled_from(["http", "https", "HTTP", "ftp", ""]),
            st.sampled_from(["abc123", "abc:secret", "a b", ""]) | TEXTS,
            HOSTS | TEXTS,
            st.sampled_from(["", ":8420", ":0", ":99999", ":x", ":"]),
            PREFIXES | TEXTS,
            st.sampled_from(["1", "007", "9" * 18, "9" * 19, "x", ""]),
        )
    )
)


def check(data: bytes) -> None:
    """Read a DSN, and read again what it is written as."""
    text = data.decode("utf-8", "replace")
    try:
        dsn = parse_dsn(text)
    except InvalidDsn as error:
        assert_one_line(str(error), MAX_REASON_LENGTH)
        return
    assert parse_dsn(str(dsn)) == dsn
    assert_one_line(str(dsn), len(text) + MAX_DEFAULTS_LENGTH)
    assert dsn.path.isascii()
