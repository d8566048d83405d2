"""Errors of Flask applications: each is captured once, with its request."""

from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from flask import Blueprint, Flask, Response, abort, request, stream_with_context
from tests.support.fake_agent import FakeAgent
from werkzeug.exceptions import InternalServerError

import bugsly
from bugsly import bootstrap
from bugsly.integrations import flask as integration
from bugsly.integrations.logging_hook import LoggingErrorHook


def fail(*_args: object, **_kwargs: object) -> NoReturn:
    raise ValueError("broken")


def half() -> Iterator[str]:
    yield "half"
    fail()


def wrap() -> NoReturn:
    try:
        fail()
    except ValueError as error:
        raise InternalServerError(original_exception=error) from error


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAgent]:
    made = FakeAgent()
    records = LoggingErrorHook(made)
    records.install()
    views = integration.FlaskErrorHook(made)
    views.install()
    monkeypatch.setattr(bootstrap, "current", lambda: made)
    yield made
    records.remove()
    views.remove()


@pytest.fixture
def app(fake: FakeAgent) -> Flask:
    app = Flask(__name__)
    blueprint = Blueprint("stock", __name__, url_prefix="/stock")
    blueprint.add_url_rule("/<int:number>", "item", fail)
    app.register_blueprint(blueprint)
    app.add_url_rule("/broken", "broken", fail, methods=["GET", "POST"])
    app.add_url_rule("/fine", "fine", lambda: "fine")
    app.add_url_rule("/abort/<int:code>", "abort", abort)
    app.add_url_rule("/wrapped", "wrapped", wrap)
    app.add_url_rule("/stream", "stream", lambda: Response(half()))
    app.add_url_rule(
        "/announced", "announced", lambda: Response(half(), headers={"Content-Length": "99"})
    )
    app.add_url_rule("/context", "context", lambda: Response(stream_with_context(half())))
    integration.install(app, fake)
    return app


def types(fake: FakeAgent) -> list[str]:
    return [one["exception"]["values"][-1]["type"] for one in fake.error_capture.encoded_events]


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/broken", "GET /broken"),
        ("/stock/7", "GET /stock/<int:number>"),
        ("/wrapped", "GET /wrapped"),
    ],
)
def test_an_exception_of_a_view_is_captured_once(
    path: str, endpoint: str, app: Flask, fake: FakeAgent
) -> None:
    assert app.test_client().get(path).status_code == 500
    (captured,) = fake.error_capture.encoded_events
    (error,) = captured["exception"]["values"]
    assert (error["type"], error["value"]) == ("ValueError", "broken")
    assert error["mechanism"]["type"] == "flask"
    assert error["mechanism"]["handled"] is False
    assert captured["transaction"] == endpoint
    assert captured["request"]["url"] == f"http://localhost{path}"


def test_the_first_request_of_an_app_without_init_is_captured_too(fake: FakeAgent) -> None:
    app = Flask(__name__)
    app.add_url_rule("/stock/<int:number>", "item", fail)
    assert app.test_client().get("/stock/7?size=m").status_code == 500
    (captured,) = fake.error_capture.encoded_events
    assert captured["transaction"] == "GET /stock/<int:number>"
    assert captured["request"]["url"] == "http://localhost/stock/7"
    assert captured["request"]["query_string"] == "size=m"
    assert "thread" not in captured["contexts"]["bugsly"]


@pytest.mark.parametrize("path", ["/fine", "/nowhere", "/abort/404", "/abort/403", "/abort/503"])
def test_an_expected_response_is_no_error(path: str, app: Flask, fake: FakeAgent) -> None:
    app.test_client().get(path).close()
    assert types(fake) == []


def test_an_abort_with_500_is_captured_once(app: Flask, fake: FakeAgent) -> None:
    app.test_client().get("/abort/500").close()
    assert types(fake) == ["InternalServerError"]


def test_an_exception_that_the_app_handles_is_no_error(app: Flask, fake: FakeAgent) -> None:
    app.register_error_handler(ValueError, lambda _error: ("sorry", 400))
    assert app.test_client().get("/broken").text == "sorry"
    assert types(fake) == []


def test_a_handler_of_server_errors_hides_none(app: Flask, fake: FakeAgent) -> None:
    app.register_error_handler(500, lambda _error: ("sorry", 500))
    assert app.test_client().get("/broken").text == "sorry"
    assert types(fake) == ["ValueError"]


@pytest.mark.parametrize("path", ["/stream", "/announced", "/context"])
def test_a_response_that_fails_halfway_is_captured(path: str, app: Flask, fake: FakeAgent) -> None:
    with pytest.raises(ValueError, match="broken"):
        app.test_client().get(path).get_data()
    (captured,) = fake.error_capture.encoded_events
    assert captured["transaction"] == f"GET {path}"
    assert captured["exception"]["values"][0]["mechanism"]["type"] == "wsgi"


def test_an_error_before_the_view_is_captured(app: Flask, fake: FakeAgent) -> None:
    app.before_request(fail)
    app.test_client().get("/fine").close()
    assert types(fake) == ["ValueError"]


def test_an_error_after_the_view_is_captured(app: Flask, fake: FakeAgent) -> None:
    tries = iter([fail])
    app.after_request(lambda response: next(tries, lambda: response)())
    app.test_client().get("/fine").close()
    assert types(fake) == ["ValueError"]


@pytest.mark.parametrize("hook", ["teardown_request", "teardown_appcontext"])
def test_an_error_in_teardown_is_captured(hook: str, app: Flask, fake: FakeAgent) -> None:
    getattr(app, hook)(fail)
    with pytest.raises(ValueError, match="broken"):
        app.test_client().get("/fine")
    assert types(fake) == ["ValueError"]


def test_an_error_that_flask_propagates_is_captured_once(app: Flask, fake: FakeAgent) -> None:
    app.testing = True
    with pytest.raises(ValueError, match="broken"):
        app.test_client().get("/broken")
    assert types(fake) == ["ValueError"]


def test_one_exception_object_raised_in_two_requests_is_two_events(
    app: Flask, fake: FakeAgent
) -> None:
    error = ValueError("always the same")

    @app.get("/same")
    def same() -> NoReturn:
        raise error

    for _ in range(2):
        app.test_client().get("/same").close()
    assert types(fake) == ["ValueError"] * 2


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"json": {"name": "ada", "api_key": "k"}}, "{'api_key': [redacted], 'name': 'ada'}"),
        ({"data": {"name": "ada", "pin": "1"}}, "{'name': ['ada'], 'pin': [redacted]}"),
        ({"json": {"name": "x" * 20_000}}, None),
        ({"data": b"raw", "content_type": "text/plain"}, None),
    ],
    ids=["json", "form", "large", "raw"],
)
def test_a_body_that_the_app_has_parsed_is_captured(
    body: dict[str, Any], expected: str | None, app: Flask, fake: FakeAgent
) -> None:
    @app.before_request
    def parse() -> None:
        _ = request.get_json(silent=True), request.form

    app.test_client().post("/broken", **body).close()
    (event,) = fake.error_capture.encoded_events
    data = event["request"].get("data")
    assert data is expected if expected is None else expected in data


def test_an_unread_body_stays_unread(app: Flask, fake: FakeAgent) -> None:
    app.test_client().post("/broken", json={"name": "ada"}).close()
    (event,) = fake.error_capture.encoded_events
    assert "data" not in event["request"]


def test_an_error_captured_manually_has_the_request(app: Flask, fake: FakeAgent) -> None:
    @app.get("/by-hand")
    def by_hand() -> str:
        bugsly.set_user(7)
        bugsly.add_breadcrumb("paid", category="shop", details={"total": 12, "card_pin": 1})
        try:
            fail()
        except ValueError:
            first = bugsly.capture_exception()
        bugsly.capture_message("done", level="warning")
        return first

    event_id = app.test_client().get("/by-hand").text
    error, message = fake.error_capture.encoded_events
    assert error["event_id"] == event_id
    assert error["exception"]["values"][0]["mechanism"]["handled"] is True
    assert (message["level"], message["logentry"]) == ("warning", {"formatted": "done"})
    for captured in (error, message):
        assert captured["transaction"] == "GET /by-hand"
        assert captured["user"] == {"id": "7"}
        (crumb,) = captured["breadcrumbs"]["values"]
        assert (crumb["message"], crumb["category"]) == ("paid", "shop")
        assert crumb["data"] == {"total": "12", "card_pin": "[redacted]"}


def test_capturing_manually_does_nothing_without_an_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "current", lambda: None)
    bugsly.set_user("ada")
    bugsly.add_breadcrumb("paid")
    assert bugsly.capture_message("done") == bugsly.capture_exception(ValueError()) == ""


class Empty(Exception):
    """An exception whose length and truth value raise an error."""

    def __len__(self) -> int:
        raise RuntimeError("not counted yet")


def test_an_exception_is_captured_without_its_truth_value(fake: FakeAgent) -> None:
    assert bugsly.capture_exception(Empty())
    assert types(fake) == ["Empty"]


def test_without_an_exception_nothing_is_captured(fake: FakeAgent) -> None:
    assert bugsly.capture_exception() == ""
    assert fake.error_capture.encoded_events == []
