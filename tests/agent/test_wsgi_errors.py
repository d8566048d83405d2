from contextlib import suppress
from typing import Any

import pytest
from tests.support.wsgi import PLAIN, TEN, Chunks, Watched, answering, close, raising


@pytest.mark.parametrize(
    ("status", "client_errors", "server_errors"),
    [("200 OK", 0, 0), ("302 Found", 0, 0), ("404 Not Found", 1, 0), ("503 Busy", 0, 1)],
)
def test_errors_are_told_apart(status: str, client_errors: int, server_errors: int) -> None:
    watched = Watched(answering([b""], status=status))
    watched.call()
    taken = watched.taken()
    assert (taken.client_errors, taken.server_errors) == (client_errors, server_errors)


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(1), KeyboardInterrupt()])
def test_an_exception_out_of_the_application_is_a_server_error(error: BaseException) -> None:
    watched = Watched(raising(error))
    with pytest.raises(type(error)) as raised:
        watched.call()
    assert raised.value is error
    assert watched.in_flight == 0
    assert watched.taken().server_errors == 1


def test_a_connection_that_was_taken_over_is_no_error() -> None:
    watched = Watched(raising(StopIteration()))
    with pytest.raises(StopIteration):
        watched.call()
    assert watched.in_flight == 0
    assert watched.taken().server_errors == 0


def test_an_exception_in_the_middle_of_a_stream_is_a_server_error() -> None:
    watched = Watched(answering(Chunks(b"hello", fail=True)))
    response = watched.call()
    with pytest.raises(OSError, match="the disk is gone"):
        list(response)
    close(response)
    taken = watched.taken()
    assert (taken.server_errors, taken.sent) == (1, 5)


def test_a_broken_count_hurts_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        @property
        def url_rule(self) -> str:
            raise RuntimeError("no rule today")

    monkeypatch.delenv("BUGSLY_STRICT")
    watched = Watched(answering([b"hello"]))
    assert watched.call(werkzeug__request=Broken()) == [b"hello"]
    assert watched.fake.guards.failures == {"request": 2}
    assert (watched.in_flight, watched.taken().endpoint) == (0, "(unknown)")


@pytest.mark.parametrize(("body", "headers"), [(None, PLAIN), ([None], PLAIN), ([7], TEN)])
def test_a_body_that_is_none_fails_where_it_failed_before(
    body: Any, headers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BUGSLY_STRICT")
    watched = Watched(answering(body, headers))
    response = watched.call()
    with suppress(TypeError):
        b"".join(response)
        pytest.fail("the server was to fail")
    close(response)
    assert watched.in_flight == 0
