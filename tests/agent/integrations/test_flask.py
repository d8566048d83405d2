import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import flask
import pytest
from flask import Flask, Response
from tests.support.fake_agent import FakeAgent
from tests.support.protocol_values import traffic
from tests.support.wsgi import WsgiServer, environ_of
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from bugsly.integrations import flask as integration
from bugsly.protocol.memory import SampledTraffic


@pytest.fixture
def fake() -> FakeAgent:
    return FakeAgent()


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = dict(flask.request_started.receivers)
    yield
    for receiver in set(flask.request_started.receivers) - set(before):
        flask.request_started.disconnect(flask.request_started.receivers[receiver])


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    app = Flask(__name__)
    app.add_url_rule("/items/<int:number>", "item", lambda number: f"item {number:04}")
    app.add_url_rule("/orders", "orders", lambda: ("thanks", 201), methods=["GET", "POST"])
    app.add_url_rule("/stream", "stream", lambda: Response(iter(["hello", " ", "world"])))
    app.add_url_rule("/broken", "broken", lambda: str(1 // 0))
    app.add_url_rule("/away", "away", lambda: flask.redirect("/items/1"))
    app.add_url_rule("/teapot", "teapot", lambda: flask.abort(418))
    (tmp_path / "file.bin").write_bytes(b"0123456789")
    app.add_url_rule("/file", "file", lambda: flask.send_file(tmp_path / "file.bin"))
    return app


def traffic_by_endpoint(fake: FakeAgent) -> dict[str, SampledTraffic]:
    assert fake.traffic.in_flight == 0
    return {one.endpoint: one for one in fake.traffic.take_traffic()}


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/items/7", traffic("GET /items/<int:number>", sent=9, biggest=9)),
        ("HEAD", "/items/7", traffic("HEAD /items/<int:number>")),
        ("POST", "/orders", traffic("POST /orders", sent=6, biggest=6)),
        ("GET", "/stream", traffic("GET /stream", sent=11, biggest=11, streamed=1)),
        ("GET", "/file", traffic("GET /file", sent=10, biggest=10)),
        ("OPTIONS", "/orders", traffic("OPTIONS /orders")),
    ],
)
def test_a_request_is_counted_by_its_rule(
    method: str, path: str, expected: SampledTraffic, app: Flask, fake: FakeAgent
) -> None:
    integration.install(app, fake)
    response = app.test_client().open(path, method=method)
    response.get_data()
    response.close()
    (counted,) = traffic_by_endpoint(fake).values()
    assert replace(counted, micros=0) == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nowhere", traffic("GET (no route)", client_errors=1)),
        ("GET", "/nowhere/else", traffic("GET (no route)", client_errors=1)),
        ("DELETE", "/orders", traffic("DELETE (no route)", client_errors=1)),
        ("BREW", "/orders", traffic("OTHER (no route)", client_errors=1)),
        ("GET", "/teapot", traffic("GET /teapot", client_errors=1)),
        ("GET", "/broken", traffic("GET /broken", server_errors=1)),
        ("GET", "/away", traffic("GET /away")),
    ],
)
def test_an_error_is_counted_by_its_rule(
    method: str, path: str, expected: SampledTraffic, app: Flask, fake: FakeAgent
) -> None:
    integration.install(app, fake)
    app.test_client().open(path, method=method).close()
    counted = traffic_by_endpoint(fake)[expected.endpoint]
    assert replace(counted, micros=0, sent=0, biggest=0) == expected


def test_many_paths_of_one_rule_are_one_endpoint(app: Flask, fake: FakeAgent) -> None:
    integration.install(app, fake)
    for number in range(50):
        app.test_client().get(f"/items/{number}").close()
    assert traffic_by_endpoint(fake)["GET /items/<int:number>"].requests == 50


def test_an_exception_that_flask_lets_out_is_counted(app: Flask, fake: FakeAgent) -> None:
    integration.install(app, fake)
    app.testing = True
    with pytest.raises(ZeroDivisionError):
        app.test_client().get("/broken")
    assert [one.server_errors for one in traffic_by_endpoint(fake).values()] == [1]


def test_an_app_is_wrapped_once(app: Flask, fake: FakeAgent) -> None:
    integration.install(app, fake)
    wrapped = app.wsgi_app
    integration.install(app, fake)
    assert app.wsgi_app is wrapped


def test_an_app_mounted_in_another_counts_once(app: Flask, fake: FakeAgent) -> None:
    outer = Flask("outer")
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/shop": app})  # type: ignore[method-assign]
    integration.install(app, fake)
    integration.install(outer, fake)
    outer.test_client().get("/shop/items/7").close()
    assert {name: one.requests for name, one in traffic_by_endpoint(fake).items()} == {
        "GET /items/<int:number>": 1
    }


def test_a_file_keeps_the_wrapper_of_the_server(app: Flask, fake: FakeAgent) -> None:
    class Wrapper(io.BytesIO):
        def __init__(self, file: Any, _size: int) -> None:
            super().__init__(file.read())
            file.close()

    integration.install(app, fake)
    body = WsgiServer().call(app.wsgi_app, environ_of("/file", wsgi__file_wrapper=Wrapper))
    assert isinstance(body, Wrapper)
    assert traffic_by_endpoint(fake)["GET /file"].sent == 10


def test_an_app_that_was_not_named_is_watched_from_its_second_request(
    app: Flask, fake: FakeAgent
) -> None:
    fake.running = False
    integration.watch_all_apps(fake)
    for _ in range(3):
        app.test_client().get("/items/7").close()
    assert fake.running
    assert traffic_by_endpoint(fake)["GET /items/<int:number>"].requests == 2


def test_every_app_that_was_not_named_is_watched(app: Flask, fake: FakeAgent) -> None:
    other = Flask("other")
    other.add_url_rule("/other", "other", lambda: "other")
    integration.watch_all_apps(fake)
    for _ in range(2):
        app.test_client().get("/items/7").close()
        other.test_client().get("/other").close()
    assert set(traffic_by_endpoint(fake)) == {"GET /items/<int:number>", "GET /other"}


def test_an_app_whose_server_counts_is_left_alone(app: Flask, fake: FakeAgent) -> None:
    others = set(flask.request_started.receivers)
    integration.watch_all_apps(fake)
    watching = set(flask.request_started.receivers) - others
    assert watching
    app.test_client().get("/items/7", environ_overrides={"bugsly.counted": True}).close()
    assert not watching & set(flask.request_started.receivers)
    assert app.wsgi_app.__func__ is Flask.wsgi_app  # type: ignore[attr-defined]
