from contextlib import suppress
from typing import Any

import pytest
from tests.support.wsgi import (
    TEN_BYTE_HEADERS,
    TEXT_HEADERS,
    ChunkedBody,
    WatchedApplication,
    close_body,
    raising_app,
    responding_app,
)


@pytest.mark.parametrize(
    ("status", "client_errors", "server_errors"),
    [("200 OK", 0, 0), ("302 Found", 0, 0), ("404 Not Found", 1, 0), ("503 Busy", 0, 1)],
)
def test_client_and_server_errors_are_distinguished(
    status: str, client_errors: int, server_errors: int
) -> None:
    watched = WatchedApplication(responding_app([b""], status=status))
    watched.call()
    taken = watched.take_traffic()
    assert (taken.client_errors, taken.server_errors) == (client_errors, server_errors)


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(1), KeyboardInterrupt()])
def test_an_exception_out_of_the_application_is_a_server_error(error: BaseException) -> None:
    watched = WatchedApplication(raising_app(error))
    with pytest.raises(type(error)) as raised:
        watched.call()
    assert raised.value is error
    assert watched.in_flight == 0
    assert watched.take_traffic().server_errors == 1


def test_a_connection_that_was_taken_over_is_no_error() -> None:
    watched = WatchedApplication(raising_app(StopIteration()))
    with pytest.raises(StopIteration):
        watched.call()
    assert watched.in_flight == 0
    assert watched.take_traffic().server_errors == 0


def test_an_exception_in_the_middle_of_a_stream_is_a_server_error() -> None:
    watched = WatchedApplication(responding_app(ChunkedBody(b"hello", fail=True)))
    response = watched.call()
    with pytest.raises(OSError, match="the disk is gone"):
        list(response)
    close_body(response)
    taken = watched.take_traffic()
    assert (taken.server_errors, taken.sent) == (1, 5)


def test_a_broken_count_hurts_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        @property
        def url_rule(self) -> str:
            raise RuntimeError("no rule today")

    monkeypatch.delenv("BUGSLY_STRICT")
    watched = WatchedApplication(responding_app([b"hello"]))
    assert watched.call(werkzeug__request=Broken()) == [b"hello"]
    assert watched.fake.guards.failures == {"request": 2}
    assert (watched.in_flight, watched.take_traffic().endpoint) == (0, "(unknown)")


@pytest.mark.parametrize(
    ("body", "headers"), [(None, TEXT_HEADERS), ([None], TEXT_HEADERS), ([7], TEN_BYTE_HEADERS)]
)
def test_a_body_that_is_none_fails_where_it_failed_before(
    body: Any, headers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BUGSLY_STRICT")
    watched = WatchedApplication(responding_app(body, headers))
    response = watched.call()
    with suppress(TypeError):
        b"".join(response)
        pytest.fail("the server was to fail")
    close_body(response)
    assert watched.in_flight == 0
