import io
from collections.abc import Callable
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from tests.support.fake_agent import FakeAgent
from tests.support.wsgi import (
    TEN_BYTE_HEADERS,
    TEXT_HEADERS,
    Application,
    ChunkedBody,
    WatchedApplication,
    WsgiServer,
    close_body,
    responding_app,
)

from bugsly.integrations.wsgi import WsgiMiddleware


@pytest.mark.parametrize(
    ("body", "headers", "sent"),
    [
        ([b"hello"], TEXT_HEADERS, 5),
        ([b"hello", b" ", b"world"], TEXT_HEADERS, 11),
        ((b"hello",), TEXT_HEADERS, 5),
        ([], TEXT_HEADERS, 0),
        ([b"0123456789"], TEN_BYTE_HEADERS, 10),
        (ChunkedBody(b"01234", b"56789"), TEN_BYTE_HEADERS, 10),
        (ChunkedBody(b"hello", b"world!"), TEXT_HEADERS, 11),
        (ChunkedBody(), TEXT_HEADERS, 0),
        (iter([b"hello"]), TEXT_HEADERS, 5),
        (ChunkedBody(b"hello"), [*TEXT_HEADERS, ("content-length", "5")], 5),
        (ChunkedBody(b"hello"), [*TEXT_HEADERS, ("Content-Length", "five")], 5),
    ],
)
def test_the_bytes_of_a_response_are_known(body: Any, headers: Any, sent: int) -> None:
    watched = WatchedApplication(responding_app(body, headers))
    response = watched.call()
    received = b"".join(response)
    close_body(response)
    assert len(received) == sent
    taken = watched.take_traffic()
    assert (taken.requests, taken.sent, taken.biggest) == (1, sent, sent)
    assert watched.in_flight == 0


def test_the_answer_to_head_sends_nothing_whatever_length_it_announces() -> None:
    watched = WatchedApplication(responding_app([], TEN_BYTE_HEADERS))
    close_body(watched.call(method="HEAD"))
    assert (watched.take_traffic().endpoint, watched.fake.traffic.requests) == (
        "HEAD (unrouted)",
        1,
    )
    close_body(watched.call(method="HEAD"))
    assert watched.take_traffic().sent == 0


@pytest.mark.parametrize("body", [[b"hello"], [b"hello", b"world"], (b"hello",)])
def test_a_list_is_handed_on_as_it_is(body: Any) -> None:
    watched = WatchedApplication(responding_app(body))
    assert watched.call() is body
    assert watched.in_flight == 0


@pytest.mark.parametrize(
    "wrapper", [FileWrapper, lambda file, _size=8192: file], ids=["class", "function, as in uWSGI"]
)
def test_a_file_is_handed_on_as_the_server_wrapped_it(wrapper: Callable[..., Any]) -> None:
    body = wrapper(io.BytesIO(b"0123456789"))
    watched = WatchedApplication(responding_app(body, TEN_BYTE_HEADERS))
    assert watched.call(wsgi__file_wrapper=wrapper) is body
    assert watched.take_traffic().sent == 10
    assert watched.in_flight == 0


def test_a_file_that_the_server_did_not_wrap_is_followed() -> None:
    body = FileWrapper(io.BytesIO(b"0123456789"))
    watched = WatchedApplication(responding_app(body, TEN_BYTE_HEADERS))
    response = watched.call()
    assert response is not body
    assert watched.in_flight == 1
    close_body(response)
    assert watched.in_flight == 0


def test_a_stream_ends_when_it_is_closed_and_not_before() -> None:
    body = ChunkedBody(b"hello", b"world")
    watched = WatchedApplication(responding_app(body))
    response = watched.call()
    assert list(response) == [b"hello", b"world"]
    assert (watched.in_flight, body.closed) == (1, 0)
    assert watched.fake.traffic.take_traffic() == ()
    close_body(response)
    assert (watched.in_flight, body.closed) == (0, 1)
    assert watched.take_traffic().sent == 10


def test_a_stream_the_client_leaves_counts_what_was_sent() -> None:
    watched = WatchedApplication(responding_app(ChunkedBody(b"hello", b"world")))
    response = watched.call()
    assert next(iter(response)) == b"hello"
    close_body(response)
    assert watched.in_flight == 0
    assert watched.take_traffic().sent == 5


def test_closing_twice_counts_once() -> None:
    watched = WatchedApplication(responding_app(ChunkedBody(b"hello")))
    response = watched.call()
    close_body(response)
    close_body(response)
    assert (watched.in_flight, watched.fake.traffic.requests) == (0, 1)


def test_a_body_whose_close_fails_is_counted_and_fails() -> None:
    def fail() -> None:
        raise OSError("the disk is gone")

    body = ChunkedBody(b"hello")
    body.close = fail  # type: ignore[method-assign]
    watched = WatchedApplication(responding_app(body))
    with pytest.raises(OSError, match="the disk is gone"):
        close_body(watched.call())
    assert watched.in_flight == 0


def test_an_application_may_change_its_mind_before_the_headers_are_sent() -> None:
    def application(_environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", TEN_BYTE_HEADERS)
        exc_info = (ValueError, ValueError("broken"), None)
        start_response("500 Internal Server Error", TEXT_HEADERS, exc_info)
        return ChunkedBody(b"sorry")

    watched = WatchedApplication(application)
    answer = watched.server.get(watched.wsgi)
    assert (answer.status, answer.body) == ("500 Internal Server Error", b"sorry")
    taken = watched.take_traffic()
    assert (taken.server_errors, taken.sent) == (1, 5)


def test_the_write_function_of_old_applications_works() -> None:
    def application(_environ: dict[str, Any], start_response: Any) -> Any:
        write = start_response("200 OK", TEXT_HEADERS)
        write(b"written ")
        return [b"returned"]

    watched = WatchedApplication(application)
    assert watched.server.get(watched.wsgi).body == b"written returned"
    assert watched.take_traffic().requests == 1


def test_an_application_that_is_a_generator_starts_when_it_is_iterated() -> None:
    def application(_environ: dict[str, Any], start_response: Any) -> Any:
        start_response("404 Not Found", TEN_BYTE_HEADERS)
        yield b"01234"
        yield b"56789"

    watched = WatchedApplication(application)
    response = watched.call()
    assert b"".join(response) == b"0123456789"
    close_body(response)
    taken = watched.take_traffic()
    assert (taken.client_errors, taken.sent) == (1, 10)


def test_layers_of_counting_count_once() -> None:
    fake = FakeAgent()
    twice = WsgiMiddleware(WsgiMiddleware(responding_app([b"hello"]), fake), fake)
    WsgiServer().get(twice)
    assert (fake.traffic.requests, fake.traffic.in_flight) == (1, 0)


def test_the_agent_starts_with_the_first_request() -> None:
    fake = FakeAgent(running=False)
    wsgi = WsgiMiddleware(responding_app([b"hello"]), fake)
    for _ in range(3):
        WsgiServer().get(wsgi)
    assert fake.starts == 1


@pytest.mark.parametrize(
    "application",
    [
        responding_app([b"hello"]),
        responding_app([b"0123456789"], TEN_BYTE_HEADERS),
        responding_app(ChunkedBody(b"hello", b"world")),
        responding_app(ChunkedBody(b"0123456789"), TEN_BYTE_HEADERS),
        responding_app(iter([b"hello"])),
    ],
)
def test_the_standard_librarys_validator_has_nothing_to_say(application: Application) -> None:
    from wsgiref.validate import validator

    fake = FakeAgent()
    answer = WsgiServer().get(WsgiMiddleware(validator(application), fake))
    assert answer.status == "200 OK"
    assert fake.traffic.in_flight == 0
