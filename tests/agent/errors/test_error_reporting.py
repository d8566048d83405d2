"""Errors of an agent that runs, is disabled, stops and forks."""

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, abort
from tests.support.captured_errors import CAPTURED_BY_TEST, exception_of
from tests.support.fake_server import FakeServer, reply
from tests.support.wait import wait_until
from werkzeug.exceptions import InternalServerError

import bugsly
from bugsly import bootstrap, worker_parts
from bugsly.agent import Agent
from bugsly.bootstrap import build_agent
from bugsly.settings import load_agent_settings


@pytest.fixture
def agent(server: FakeServer) -> Iterator[Agent]:
    options = load_agent_settings({"dsn": server.dsn, "sample_every": "3600", "release": "7"}, {})
    assert options is not None
    made = build_agent(options)
    yield made
    made.stop()


def fail(agent: Agent, count: int = 1) -> list[str]:
    """Return the ids of *count* errors of as many kinds."""
    kinds = [type(f"Error{number}", (Exception,), {}) for number in range(count)]
    return [agent.error_reporter.capture_exception(kind("x"), CAPTURED_BY_TEST) for kind in kinds]


def ids(server: FakeServer) -> list[str]:
    return [one["event_id"] for one in server.events]


@pytest.fixture
def threads() -> Callable[[], list[str]]:
    """Return the names of the agent's threads, without those that another test left."""
    before = set(threading.enumerate())

    def names() -> list[str]:
        new = set(threading.enumerate()) - before
        return sorted(one.name for one in new if one.name.startswith("bugsly-"))

    return names


def test_an_error_is_sent_at_once(agent: Agent, server: FakeServer) -> None:
    agent.start()
    wait_until(lambda: server.reports, what="a report")
    made = fail(agent)
    wait_until(lambda: server.events, what="the error is reported")
    assert ids(server) == made
    assert server.events[0]["contexts"]["bugsly"]["worker"] == agent.identity.id


def test_an_error_of_a_process_that_serves_nothing_makes_no_worker_of_it(
    agent: Agent, server: FakeServer, threads: Callable[[], list[str]]
) -> None:
    made = fail(agent)
    assert threads() == ["bugsly-sender"]
    assert agent.flush(10)
    agent.stop()
    assert ids(server) == made
    assert server.reports == []
    assert threads() == []


def test_pending_errors_are_sent_before_the_exit(agent: Agent, server: FakeServer) -> None:
    agent.start()
    wait_until(lambda: server.reports, what="a report")
    made = fail(agent, 20)
    agent.stop()
    assert ids(server) == made


def test_what_the_server_could_not_accept_is_sent_again_before_the_exit(
    agent: Agent, server: FakeServer
) -> None:
    server.default_reply = reply(503, "Service Unavailable", Retry_After="600")
    (made,) = fail(agent)
    wait_until(lambda: server.events, what="the first try")
    server.default_reply = reply()
    agent.stop()
    assert ids(server) == [made, made]


def test_a_disabled_master_reports_nothing(
    agent: Agent, server: FakeServer, threads: Callable[[], list[str]]
) -> None:
    agent.disable_in_master()
    assert fail(agent) == [""]
    assert threads() == []
    agent.stop()
    assert server.events == []


def test_an_agent_that_stopped_reports_nothing(agent: Agent, server: FakeServer) -> None:
    agent.start()
    agent.stop()
    assert fail(agent) == [""]
    assert server.events == []


def test_a_burst_of_errors_is_a_few_events_and_a_count(agent: Agent, server: FakeServer) -> None:
    agent.start()
    for _ in range(1_000):
        agent.error_reporter.capture_exception(exception_of(lambda: 1 / 0), CAPTURED_BY_TEST)
    agent.stop()
    assert 10 <= len(server.events) < 30
    held_back = server.reports[-1].lost["errors held back, too many at once"]
    assert held_back + len(server.events) == 1_000


def test_an_event_that_cannot_be_made_costs_the_app_nothing(
    agent: Agent, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> bytes:
        raise RuntimeError("no JSON today")

    monkeypatch.delenv("BUGSLY_STRICT")
    monkeypatch.setattr(worker_parts, "encode_without_secrets", broken)
    agent.start()
    fail(agent)
    agent.stop()
    lost = server.reports[-1].lost
    assert lost == {"failed in errors.finish": 1, "errors dropped, outbox full": 1}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_sends_its_own_errors_and_not_those_of_its_parent(
    agent: Agent, server: FakeServer
) -> None:
    server.default_reply = reply(503, "Service Unavailable", Retry_After="600")
    fail(agent)
    wait_until(lambda: server.events, what="the first try")
    server.default_reply = reply()
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(10)
        event_id = fail(agent)
        agent.flush(5)
        os.write(writing, json.dumps(event_id).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(writing)
    with os.fdopen(reading) as file:
        event_ids = json.load(file)
    assert ids(server)[1:] == event_ids


@pytest.fixture
def _no_agent_yet(monkeypatch: pytest.MonkeyPatch, server: FakeServer) -> Iterator[None]:
    monkeypatch.setattr(bootstrap, "_attached", None)
    monkeypatch.setenv("BUGSLY_DSN", server.dsn)
    yield
    running = bootstrap.current()
    if running is not None:
        running.stop()


def hooks() -> tuple[object, ...]:
    return sys.excepthook, threading.excepthook, logging.getLogRecordFactory()


@pytest.mark.usefixtures("_no_agent_yet")
def test_hooks_are_installed_from_init_to_stop() -> None:
    before = hooks()
    bugsly.init()
    assert not set(hooks()) & set(before)
    running = bootstrap.current()
    assert running is not None
    running.stop()
    assert hooks() == before


@pytest.mark.usefixtures("_no_agent_yet")
def test_with_errors_off_nothing_is_hooked_and_nothing_reported(server: FakeServer) -> None:
    before = hooks()
    app = Flask(__name__)
    app.add_url_rule("/", "index", lambda: "hello")
    app.teardown_request(lambda _error: abort(500))
    bugsly.init(app, errors=False)
    assert hooks() == before
    with pytest.raises(InternalServerError):
        app.test_client().get("/")
    assert bugsly.capture_message("hello") == ""
    wait_until(lambda: server.reports, what="a report")
    assert server.events == []
