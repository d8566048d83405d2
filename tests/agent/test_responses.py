"""How a body was handed over: in one piece, or in several."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper

import pytest
from flask import Flask, Response, send_file
from tests.support.wsgi import PLAIN, TEN, Application, Chunks, Watched, answering, close

from bugsly.probes.traffic import WORTH_A_LOOK
from bugsly.protocol.memory import Traffic

BIG = WORTH_A_LOOK
SMALL = WORTH_A_LOOK - 1


def served(application: Application, method: str = "GET", **environ: object) -> Traffic:
    watched = Watched(application)
    body = watched.call(method=method, **environ)
    for _chunk in body:
        pass
    close(body)
    return watched.taken()


def sized(length: int) -> list[tuple[str, str]]:
    return [*PLAIN, ("Content-Length", str(length))]


@pytest.mark.parametrize(
    ("body", "headers", "whole", "streamed"),
    [
        pytest.param([b"x" * BIG], PLAIN, BIG, 0, id="a list of one"),
        pytest.param([b"x" * BIG] * 3, PLAIN, 3 * BIG, 0, id="a list is in memory as a whole"),
        pytest.param([b"x" * SMALL], PLAIN, 0, 0, id="not worth a look"),
        pytest.param(Chunks(b"x" * BIG), PLAIN, BIG, 0, id="one piece, no length"),
        pytest.param(Chunks(b"x" * BIG), sized(BIG), BIG, 0, id="one piece with its length"),
        pytest.param(Chunks(b"x" * BIG, b""), PLAIN, BIG, 0, id="an empty piece is none"),
        pytest.param(Chunks(b"x" * BIG, b"y"), PLAIN, 0, 1, id="two pieces"),
        pytest.param(Chunks(b"x", b"y" * BIG), sized(BIG + 1), 0, 1, id="two with their length"),
        pytest.param(Chunks(*[b"x"] * 10), TEN, 0, 0, id="a small one of known length is let be"),
        pytest.param(Chunks(), PLAIN, 0, 0, id="nothing"),
    ],
)
def test_a_body_is_told_by_its_pieces(
    body: object, headers: object, whole: int, streamed: int
) -> None:
    told = served(answering(body, headers))
    assert (told.whole, told.streamed) == (whole, streamed)


def test_head_sends_no_body_in_any_way() -> None:
    told = served(answering([b"x" * BIG]), method="HEAD")
    assert (told.whole, told.streamed) == (0, 0)


def test_a_body_whose_client_left_after_a_piece_was_not_handed_over_whole() -> None:
    watched = Watched(answering(Chunks(b"x", b"y" * BIG), sized(BIG + 1)))
    body = watched.call()
    assert next(iter(body)) == b"x"
    close(body)
    assert watched.taken().whole == 0


def test_the_servers_file_wrapper_is_a_stream() -> None:
    def application(_environ: object, start_response: Any) -> FileWrapper:
        start_response("200 OK", sized(BIG))
        return FileWrapper(io.BytesIO(b"x" * BIG))

    told = served(application, wsgi__file_wrapper=FileWrapper)
    assert (told.whole, told.streamed) == (0, 1)


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    app = Flask("shop")
    report = tmp_path / "report.pdf"
    report.write_bytes(b"x" * BIG)

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
    ("path", "whole", "streamed"), [("/whole", BIG, 0), ("/streamed", 0, 1), ("/file", 0, 1)]
)
def test_what_flask_answers_is_told_by_its_pieces(
    app: Flask, path: str, whole: int, streamed: int
) -> None:
    told = served(app.wsgi_app, path=path)
    assert (told.whole, told.streamed) == (whole, streamed)
