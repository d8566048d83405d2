"""Replies to the agent: any bytes become a bounded reply, and one line in the app's log."""

from __future__ import annotations

import io
from http.client import HTTPException, HTTPResponse
from typing import Any, cast

from hypothesis import strategies as st

from bugsly.server_reply import (
    MAX_PROBE_REQUESTS,
    MAX_REQUESTED_FILES,
    MAX_RETRY_AFTER_SECONDS,
    MAX_STRING_LENGTH,
    MAX_WINDOW_REQUESTS,
    ServerReply,
    read_reply,
    reply_from_error,
    retry_delay,
)
from tools.fuzz.almost_valid import JSON_VALUES, TEXTS, damaged, encoded, json_objects
from tools.fuzz.laws import assert_one_line

MAX_LOG_LENGTH = 1_000
PROBES = st.sampled_from(["heap", "window", "trim", "source"]) | TEXTS
BODIES = encoded(
    json_objects(
        {
            "ask": st.lists(
                json_objects(
                    {"id": st.integers(-1, 2**64), "probe": PROBES},
                    {"files": st.lists(TEXTS, max_size=30), "requests": st.integers()},
                ),
                max_size=9,
            )
        },
        {"id": JSON_VALUES},
    )
)
HEADER_NAMES = st.sampled_from(
    ["Retry-After", "X-Sentry-Error", "X-Sentry-Rate-Limits", "Location", "Transfer-Encoding"]
)
HEADER_VALUES = st.text(max_size=60) | st.sampled_from(
    ["60:error;transaction:key", "1e999", "nan", "-5", "a\r\n folded", "a -> b", "x" * 3000]
)


def _reply(status: str, headers: list[tuple[str, str]], body: bytes, length: int) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    framed = f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body) + length}\r\n\r\n"
    return framed.encode("utf-8", "replace") + body


INPUTS = damaged(
    st.builds(
        _reply,
        st.sampled_from(["200 OK", "204 ", "301 Moved", "403 Forbidden", "429 x", "503 \x1b[2J"])
        | TEXTS,
        st.lists(st.tuples(HEADER_NAMES, HEADER_VALUES), max_size=4),
        BODIES,
        st.sampled_from([0, 0, 0, -3, 7]),
    )
)


class _Wire:
    """A socket from which *received* can be read."""

    def __init__(self, received: bytes) -> None:
        self._received = received

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._received)


def _read(data: bytes) -> ServerReply:
    """Return the reply in *data*, read as the sender does."""
    try:
        response = HTTPResponse(cast("Any", _Wire(data)), method="POST")
        response.begin()
        return read_reply(response)
    except (OSError, HTTPException) as error:
        return reply_from_error(error)


def check(data: bytes) -> None:
    """Read a reply, and word the line that the app's log gets."""
    reply = _read(data)
    assert_one_line(reply.log_message, MAX_LOG_LENGTH)
    assert 0 <= retry_delay(1, reply.retry_after) <= 1.1 * MAX_RETRY_AFTER_SECONDS
    assert 0 <= reply.errors_rate_limited_seconds <= MAX_RETRY_AFTER_SECONDS
    assert len(reply.probe_requests) <= MAX_PROBE_REQUESTS
    for request in reply.probe_requests:
        assert 0 < request.id < 2**63
        assert 0 <= request.requests <= MAX_WINDOW_REQUESTS
        assert len(request.probe) <= MAX_STRING_LENGTH
        assert len(request.files) <= MAX_REQUESTED_FILES
        assert all(len(name) <= MAX_STRING_LENGTH for name in request.files)
