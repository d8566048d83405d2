"""Whether a body was passed in one chunk or in several."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from flask import Flask, Response, send_file
from tests.support.wsgi import (
    TEN_BYTE_HEADERS,
    TEXT_HEADERS,
    Application,
    ChunkedBody,
    WatchedApplication,
    close_body,
    responding_app,
)

from bugsly.probes.traffic import MIN_LARGE_BODY_BYTES
from bugsly.protocol.memory import SampledTraffic

LARGE_BODY = MIN_LARGE_BODY_BYTES
SMALL_BODY = MIN_LARGE_BODY_BYTES - 1


def served(application: Application, method: str = "GET", **environ: object) -> SampledTraffic:
    watched = WatchedApplication(application)
    body = watched.call(method=method, **environ)
    for _chunk in body:
        pass
    close_body(body)
    return watched.take_traffic()


def sized(length: int) -> list[tuple[str, str]]:
    return [*TEXT_HEADERS, ("Content-Length", str(length))]


@pytest.mark.parametrize(
    ("body", "headers", "whole", "streamed"),
    [
        pytest.param([b"x" * LARGE_BODY], TEXT_HEADERS, LARGE_BODY, 0, id="a list of one"),
        pytest.param(
            [b"x" * LARGE_BODY] * 3,
            TEXT_HEADERS,
            3 * LARGE_BODY,
            0,
            id="a list is in memory as a whole",
        ),
        pytest.param([b"x" * SMALL_BODY], TEXT_HEADERS, 0, 0, id="not worth a look"),
        pytest.param(
            ChunkedBody(b"x" * LARGE_BODY), TEXT_HEADERS, LARGE_BODY, 0, id="one piece, no length"
        ),
        pytest.param(
            ChunkedBody(b"x" * LARGE_BODY),
            sized(LARGE_BODY),
            LARGE_BODY,
            0,
            id="one piece with its length",
        ),
        pytest.param(
            ChunkedBody(b"x" * LARGE_BODY, b""),
            TEXT_HEADERS,
            LARGE_BODY,
            0,
            id="an empty piece is none",
        ),
        pytest.param(ChunkedBody(b"x" * LARGE_BODY, b"y"), TEXT_HEADERS, 0, 1, id="two pieces"),
        pytest.param(
            ChunkedBody(b"x", b"y" * LARGE_BODY),
            sized(LARGE_BODY + 1),
            0,
            1,
            id="two with their length",
        ),
        pytest.param(
            ChunkedBody(*[b"x"] * 10),
            TEN_BYTE_HEADERS,
            0,
            0,
            id="a small one of known length is not counted",
        ),
        pytest.param(ChunkedBody(), TEXT_HEADERS, 0, 0, id="nothing"),
    ],
)
def test_a_body_is_counted_by_its_chunks(
    body: object, headers: object, whole: int, streamed: int
) -> None:
    counted = served(responding_app(body, headers))
    assert (counted.whole, counted.streamed) == (whole, streamed)


def test_head_sends_no_body_in_any_way() -> None:
    counted = served(responding_app([b"x" * LARGE_BODY]), method="HEAD")
    assert (counted.whole, counted.streamed) == (0, 0)


def test_a_body_whose_client_left_after_a_piece_was_not_handed_over_whole() -> None:
    watched = WatchedApplication(
        responding_app(ChunkedBody(b"x", b"y" * LARGE_BODY), sized(LARGE_BODY + 1))
    )
    body = watched.call()
    assert next(iter(body)) == b"x"
    close_body(body)
    assert watched.take_traffic().whole == 0


def test_the_servers_file_wrapper_is_a_stream() -> None:
    def application(_environ: object, start_response: Any) -> FileWrapper:
        start_response("200 OK", sized(LARGE_BODY))
        return FileWrapper(io.BytesIO(b"x" * LARGE_BODY))

    counted = served(application, wsgi__file_wrapper=FileWrapper)
    assert (counted.whole, counted.streamed) == (0, 1)


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    app = Flask("shop")
    report = tmp_path / "report.pdf"
    report.write_bytes(b"x" * LARGE_BODY)

    @app.get("/whole")
    def whole() -> Response:
        return Response(report.read_bytes())

    @app.get("/streamed")
    def streamed() -> Response:
        def pieces() -> Iterator[bytes]:
            yield from (b"x" * 1000 for _ in range(300))

        return Response(pieces())

    @app.get("/file")
    def file() -> Response:
        return send_file(report)

    return app


@pytest.mark.parametrize(
    ("path", "whole", "streamed"), [("/whole", LARGE_BODY, 0), ("/streamed", 0, 1), ("/file", 0, 1)]
)
def test_responses_of_flask_are_counted_by_their_chunks(
    app: Flask, path: str, whole: int, streamed: int
) -> None:
    counted = served(app.wsgi_app, path=path)
    assert (counted.whole, counted.streamed) == (whole, streamed)
