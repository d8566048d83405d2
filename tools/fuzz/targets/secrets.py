"""Redaction: idempotent, bounded, and source keeps its lines."""

from __future__ import annotations

from hypothesis import strategies as st

from bugsly.redact import is_secret_name, redact_source, redact_text
from tools.fuzz.almost_valid import TEXTS, damaged, texts_as_bytes

WORDS = st.sampled_from(
    [
        "password", "api_key", "token", "=", ": ", "'", '"', "\\", "\n", "(", ")", ", ", "://",
        "@", "bearer ", "Basic ", "eyJ", "hbGciOiJI", ".", "-", "AKIA", "ghp_",
        "4111 1111 1111 1111", "x" * 20, "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----", "[redacted]", "INSERT INTO", "VALUES",
    ]
)  # fmt: skip
INPUTS = damaged(texts_as_bytes(st.lists(WORDS | TEXTS, max_size=12).map("".join)))


def check(data: bytes) -> None:
    """Redact a text, and again."""
    text = data.decode("utf-8", "replace")
    is_secret_name(text)
    redacted = redact_text(text)
    assert len(redacted) <= 3 * len(text) + 20
    assert redact_text(redacted) == redacted, f"{redacted!r} becomes {redact_text(redacted)!r}"
    assert redact_source(text).count("\n") == text.count("\n")
