import inspect
import logging
import os
from collections.abc import Iterator

import pytest
from flask import Flask
from tests.support.fake_server import FakeServer
from tests.support.wait import wait_until
from tests.support.wsgi import WsgiServer, responding_app

import bugsly
from bugsly import bootstrap
from bugsly.integrations.wsgi import WsgiMiddleware
from bugsly.settings import SETTINGS

WRONG = (
    "BUGSLY_SAMPLE_EVERY: 'often' is not a number from 0.5 to 3600 → set 10; the app runs unwatched"
)


@pytest.fixture(autouse=True)
def _no_agent_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bootstrap, "_attached", None)
    monkeypatch.setattr(bootstrap, "_logged_problems", set())
    yield
    running = bootstrap.current()
    if running is not None:
        running.stop()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    with FakeServer() as running:
        monkeypatch.setenv("BUGSLY_DSN", running.dsn)
        yield running


def app() -> Flask:
    made = Flask(__name__)
    made.add_url_rule("/", "index", lambda: "hello")
    return made


def answers(flask_app: Flask) -> bool:
    return flask_app.test_client().get("/").text == "hello"


def test_each_argument_of_init_is_a_setting() -> None:
    _, *arguments = inspect.signature(bugsly.init).parameters
    assert arguments == [declared.name for declared in SETTINGS]


def test_without_a_dsn_the_app_is_left_as_it_is() -> None:
    watched = app()
    bugsly.init(watched)
    assert not isinstance(watched.wsgi_app, WsgiMiddleware)
    assert bootstrap.current() is None
    assert bugsly.flush(0)


def test_an_app_is_watched_from_its_first_request(server: FakeServer) -> None:
    watched = app()
    bugsly.init(watched, release="7", environment="staging", sample_every=2)
    running = bootstrap.current()
    assert running is not None
    assert not running.running
    assert answers(watched)
    wait_until(lambda: server.reports, what="a report")
    worker = server.reports[0].worker
    assert (worker.release, worker.environment, worker.every) == ("7", "staging", 2_000_000)
    assert bugsly.flush(10)


@pytest.mark.usefixtures("server")
def test_there_is_one_agent_however_many_apps() -> None:
    bugsly.init(app(), release="7")
    first = bootstrap.current()
    bugsly.init(app(), release="8")
    assert bootstrap.current() is first


@pytest.mark.usefixtures("server")
def test_a_wrong_setting_is_one_line_and_the_app_runs_unwatched(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("BUGSLY_SAMPLE_EVERY", "often")
    apps = [app(), app()]
    for flask_app in apps:
        bugsly.init(flask_app)
    bugsly.init()
    plain = responding_app([b"hello"])
    assert bugsly.wsgi(plain) is plain
    assert all(map(answers, apps))
    assert caplog.record_tuples == [("bugsly", logging.WARNING, WRONG)]


@pytest.mark.usefixtures("server")
def test_what_is_no_flask_application_is_said_and_not_touched(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bugsly.init("shop")
    assert caplog.messages == [
        "bugsly.init: 'shop' is no Flask application → wrap it in bugsly.wsgi()"
    ]


def test_a_value_of_another_type_is_read_as_its_text(server: FakeServer) -> None:
    watched = app()
    bugsly.init(watched, release=7)  # type: ignore[arg-type]
    assert answers(watched)
    wait_until(lambda: server.reports, what="a report")
    assert server.reports[0].worker.release == "7"


def test_an_app_that_is_not_flasks_is_counted(server: FakeServer) -> None:
    plain = responding_app([b"hello"])
    wrapped = bugsly.wsgi(plain)
    assert WsgiServer().get(wrapped).body == b"hello"
    running = bootstrap.current()
    assert running is not None
    assert running.traffic.requests == 1
    wait_until(lambda: server.reports, what="a report")


@pytest.mark.usefixtures("server")
def test_the_user_says_how_a_worker_ends_under_another_server() -> None:
    ended: list[str] = []
    bugsly.recycle_by(lambda: ended.append("ended"), workers=3)
    running = bootstrap.current()
    assert running is not None
    assert running.worker_controller.slot == (str(os.getppid()), 0, 3)
    running.worker_controller.stop()
    assert ended == ["ended"]


@pytest.mark.usefixtures("server")
def test_watching_everything_makes_no_second_agent() -> None:
    bugsly.init(app())
    first = bootstrap.current()
    assert first is not None
    bootstrap.auto_instrument()
    assert bootstrap.current() is first


@pytest.mark.usefixtures("server")
def test_a_failing_integration_hurts_no_app(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Sealed:
        @property
        def wsgi_app(self) -> object:
            return object()

    monkeypatch.delenv("BUGSLY_STRICT")
    bugsly.init(Sealed())
    running = bootstrap.current()
    assert running is not None
    assert running.guards.failures == {"flask.install": 1}
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(
    ("host", "level", "readers"),
    [
        ("bugs.invalid", logging.WARNING, "everybody on the way there"),
        ("bugsly", logging.INFO, "everybody on that network"),
    ],
)
def test_reports_without_encryption_are_told_of_once(
    host: str, level: int, readers: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bugsly")
    for _ in range(2):
        bugsly.init(dsn=f"http://0123456789abcdef@{host}:8420/1")
    told = (
        f"BUGSLY_DSN: reports go to http://{host}:8420 unencrypted, so {readers} can read them"
        " and the key → use https, unless you trust them all"
    )
    assert caplog.record_tuples == [("bugsly", level, told)]
