import io
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from typing import cast

import pytest
from tests.support.fake_server import reply

from bugsly.server_reply import (
    MAX_LOG_TEXT_LENGTH,
    MAX_RETRY_AFTER_SECONDS,
    MAX_RETRY_SECONDS,
    DeliveryOutcome,
    ServerReply,
    read_reply,
    reply_from_error,
    retry_delay,
)

WAITS = "samples wait in the worker, up to 1 MB, until it answers"
DROPPED = "the samples are dropped, the next try is in a minute"


ELSEWHERE = "https://bugsly.test/api/1/envelope/"
REDIRECTED = "put that address into BUGSLY_DSN; until then samples wait in the worker"


class FakeConnection:
    """A connection on which one answer has arrived."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._answer)


def read_raw_reply(answer: bytes) -> ServerReply:
    response = HTTPResponse(cast("Callable[..., object]", FakeConnection(answer)))  # type: ignore[arg-type]
    response.begin()
    return read_reply(response)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, DeliveryOutcome.ACCEPTED),
        (202, DeliveryOutcome.ACCEPTED),
        (301, DeliveryOutcome.RETRY),
        (308, DeliveryOutcome.RETRY),
        (400, DeliveryOutcome.REFUSED),
        (401, DeliveryOutcome.REFUSED),
        (403, DeliveryOutcome.REFUSED),
        (404, DeliveryOutcome.REFUSED),
        (408, DeliveryOutcome.RETRY),
        (413, DeliveryOutcome.REFUSED),
        (425, DeliveryOutcome.RETRY),
        (429, DeliveryOutcome.RETRY),
        (500, DeliveryOutcome.RETRY),
        (502, DeliveryOutcome.RETRY),
        (503, DeliveryOutcome.RETRY),
        (599, DeliveryOutcome.RETRY),
        (0, DeliveryOutcome.RETRY),
        (101, DeliveryOutcome.RETRY),
    ],
)
def test_the_status_decides_what_becomes_of_the_samples(
    status: int, verdict: DeliveryOutcome
) -> None:
    assert ServerReply(status).outcome is verdict


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (reply(502, "Bad Gateway"), f"it answered 502 Bad Gateway → {WAITS}"),
        (reply(502, ""), f"it answered 502 → {WAITS}"),
        (reply(403, "Forbidden"), f"it answered 403 Forbidden → {DROPPED}"),
        (
            reply(403, "Forbidden", X_Sentry_Error="key k: unknown -> copy the DSN"),
            "it answered 403 Forbidden (key k: unknown) → copy the DSN",
        ),
        (
            reply(403, "Forbidden", X_Sentry_Error="go away"),
            f"it answered 403 Forbidden (go away) → {DROPPED}",
        ),
        (
            reply(301, "Moved", Location=ELSEWHERE),
            f"it answered 301 Moved and points to {ELSEWHERE} → {REDIRECTED}",
        ),
        (reply(304, "Not Modified"), f"it answered 304 Not Modified → {WAITS}"),
    ],
)
def test_a_complaint_says_what_is_and_what_to_do(answer: bytes, complaint: str) -> None:
    assert read_raw_reply(answer).log_message == complaint


@pytest.mark.parametrize(
    "answer",
    [
        reply(503, "\x1b[2J\x1b]0;owned\x07"),
        reply(
            403, "Forbidden", X_Sentry_Error="fine\x85ERROR root: sold out -> a\x0bb\x0cc\x9b31m"
        ),
        reply(301, "Moved", Location="http://example.com/\x1b[31m"),
        reply(503, "x" * 60_000),
        reply(403, "Forbidden", X_Sentry_Error="x" * 60_000),
        reply(301, "Moved", Location="x" * 60_000),
        b"\x1b[31mno answer " + b"x" * 60_000 + b"\r\n\r\n",
    ],
)
def test_words_of_a_server_reach_the_log_escaped_and_cut(answer: bytes) -> None:
    try:
        said = read_raw_reply(answer)
    except HTTPException as error:
        said = reply_from_error(error)
    assert said.log_message.isprintable()
    assert len(said.log_message) < 1_500


def test_an_escape_shows_what_the_server_sent() -> None:
    assert ServerReply(503, "a\x1b[31mb\r\nc\u202e\u2028\udc80").log_message.startswith(
        "a\\x1b[31mb\\r\\nc\\u202e\\u2028\\udc80 → "
    )


@pytest.mark.parametrize(
    ("error", "complaint"),
    [
        (ConnectionRefusedError(111, "refused"), f"[Errno 111] refused → {WAITS}"),
        (TimeoutError(), f"TimeoutError → {WAITS}"),
    ],
)
def test_the_absence_of_an_answer_is_named(error: Exception, complaint: str) -> None:
    assert reply_from_error(error).log_message == complaint
    assert reply_from_error(error).outcome is DeliveryOutcome.RETRY


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30),
        ("0.5", 0.5),
        ("0", 0),
        ("-5", 0),
        ("nan", 0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", MAX_RETRY_SECONDS),
    ],
)
def test_the_pause_asked_for_is_read(header: str, seconds: float) -> None:
    assert read_raw_reply(reply(503, "Busy", Retry_After=header)).retry_after == seconds


@pytest.mark.parametrize(
    ("attempt", "retry_after", "least", "most"),
    [
        (1, 0, 0.5, 1),
        (2, 0, 1, 2),
        (5, 0, 8, 16),
        (7, 0, 30, 60),
        (1000, 0, 30, 60),
        (1, 20, 20, 22),
        (1000, 20, 20, 22),
        (1, 1e9, MAX_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS * 1.1),
        (1, float("inf"), MAX_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS * 1.1),
    ],
)
def test_pauses_grow_differ_and_are_bounded(
    attempt: int, retry_after: float, least: float, most: float
) -> None:
    pauses = {retry_delay(attempt, retry_after) for _ in range(50)}
    assert least <= min(pauses) <= max(pauses) <= most
    assert len(pauses) > 40


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0),
        ("60:error:project", 60),
        ("60:transaction;error:key", 60),
        ("60::organization", 60),
        ("60", 60),
        ("60:transaction;span:key", 0),
        ("10:error:key, 600:error;default:project:quota", 600),
        ("600:span:key,7:error", 7),
        ("99999999:error", MAX_RETRY_AFTER_SECONDS),
        ("-5:error", 0),
        ("soon:error", MAX_RETRY_SECONDS),
        (",,", 0),
    ],
)
@pytest.mark.parametrize("status", [200, 429])
def test_a_limit_of_errors_is_read_off_any_answer(status: int, header: str, seconds: float) -> None:
    assert (
        read_raw_reply(reply(status, X_Sentry_Rate_Limits=header)).errors_rate_limited_seconds
        == seconds
    )


def test_what_has_to_be_escaped_makes_no_longer_line_than_what_has_not() -> None:
    longest = 2 * (MAX_LOG_TEXT_LENGTH + 1) + len(" → ")
    for letter in ("x", "\0", "\N{ZERO WIDTH SPACE}"):
        answer = ServerReply(500, problem=letter * 2_000, remedy=letter * 2_000)
        assert len(answer.log_message) == longest
