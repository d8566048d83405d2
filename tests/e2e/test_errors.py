"""Errors under a real Gunicorn, each with the worker it happened in."""

import signal
from pathlib import Path
from typing import Any

import pytest
from tests.support.fake_server import FakeServer
from tests.support.gunicorn import AgentInstall, agent_environ, plain_command, running_gunicorn
from tests.support.running_program import running_program
from tests.support.wait import wait_until

LOADED = {"in the worker": (), "before the fork": ("--preload",)}


def types(server: FakeServer) -> list[str]:
    return [one["exception"]["values"][-1]["type"] for one in server.events]


def frames(event: dict[str, Any]) -> list[str]:
    values = event["exception"]["values"][-1]["stacktrace"]["frames"]
    return [one["function"] for one in values if one["in_app"]]


@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent"])
@pytest.mark.parametrize("way", AgentInstall)
@pytest.mark.parametrize("loaded", LOADED)
def test_an_error_is_told_once_with_its_worker(
    kind: str, way: AgentInstall, loaded: str, server: FakeServer, tmp_path: Path
) -> None:
    options = ("-k", kind, *LOADED[loaded])
    with running_gunicorn(server, tmp_path, *options, way=way, workers=1, troubled=True) as running:
        running.get("/items/7")
        running.get("/broken")
        wait_until(lambda: server.events, what="the error is told")
    (told,) = server.events
    assert told["exception"]["values"][-1]["value"] == "broken"
    assert told["transaction"] == "GET /broken"
    assert told["release"] == "7"
    assert frames(told) == ["broken"]
    assert told["contexts"]["bugsly"]["worker"] in server.workers
    assert told["contexts"]["bugsly"]["memory"] > 1_000_000
    assert all(report.lost == {} for report in server.reports)


def test_the_error_of_a_worker_that_leaves_at_once_arrives(
    server: FakeServer, tmp_path: Path
) -> None:
    with running_gunicorn(server, tmp_path, workers=1, troubled=True) as running:
        running.get("/broken")
        running.signal(signal.SIGTERM)
        assert running.wait() == 0
    assert types(server) == ["ValueError"]


def test_an_app_that_cannot_be_loaded_says_why(server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import bugsly\nbugsly.init()\n1 / 0\n")
    line = plain_command("-w", "1", "--pythonpath", str(tmp_path), app="bad:app")
    with running_program(line, tmp_path, agent_environ(server), troubled=True) as running:
        running.wait()
    assert set(types(server)) == {"ZeroDivisionError"}
    assert server.reports == []


@pytest.mark.parametrize("kind", ["sync", "gevent"])
def test_a_worker_survives_an_exception_whose_text_takes_longer_than_gunicorns_timeout(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    options = ("-k", kind, "--timeout", "3")
    with running_gunicorn(server, tmp_path, *options, workers=1, app="hanging:app") as running:
        (worker,) = running.children
        assert running.get("/undecided") == "answered"
        wait_until(lambda: server.events, what="the error is told")
        assert running.children == [worker]
    (told,) = server.events
    assert told["exception"]["values"][-1]["type"] == "Undecided"
    assert told["exception"]["values"][-1]["value"] == "<its text took longer than 50 ms>"
