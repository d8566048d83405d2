import http.client
import socket
from pathlib import Path

import pytest
from tests.support.fake_server import HANG_REPLY, FakeServer, reply
from tests.support.gunicorn import (
    AgentInstall,
    agent_environ,
    plain_command,
    running_gunicorn,
    watched_command,
)
from tests.support.running_program import BIN, running_program
from tests.support.self_signed_certificate import self_signed_context
from tests.support.wait import wait_until

from bugsly.protocol.memory import ExitReason

KINDS = ("sync", "gthread", "gevent")


def in_production(server: FakeServer) -> dict[str, str]:
    """Return the environment of an application whose agent swallows its own failures."""
    return agent_environ(server) | {"BUGSLY_STRICT": "0"}


@pytest.mark.parametrize("kind", KINDS)
def test_requests_are_answered_while_the_server_is_silent(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    server.default_reply = HANG_REPLY
    with running_gunicorn(server, tmp_path, "-k", kind, workers=1) as running:
        (pid,) = running.children
        assert {running.get("/") for _ in range(100)} == {str(pid)}
        assert len(server.received) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_ends_in_time_while_the_server_is_silent(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    server.default_reply = HANG_REPLY
    options = ("-k", kind, "--graceful-timeout", "8")
    with running_gunicorn(server, tmp_path, *options, workers=1) as running:
        running.process.terminate()
        assert running.wait() == 0
    assert "SIGKILL" not in running.log


def test_an_app_whose_server_refuses_it_answers(server: FakeServer, tmp_path: Path) -> None:
    server.default_reply = reply(403, "Forbidden", X_Sentry_Error="key k: unknown -> copy the DSN")
    with running_gunicorn(server, tmp_path, workers=1) as running:
        assert running.get("/items/1") == "item 1"
        complaint = "it answered 403 Forbidden (key k: unknown) → copy the DSN"
        wait_until(lambda: complaint in running.log, what="the refusal is logged")


def test_an_app_with_a_wrong_setting_runs_unwatched_and_says_so_once(
    server: FakeServer, tmp_path: Path
) -> None:
    line = watched_command(AgentInstall.RUN, ("-w", "2"), "watched:app")
    environ = agent_environ(server, BUGSLY_SAMPLE_EVERY="often")
    with running_program(line, tmp_path, environ) as running:
        assert running.get("/items/1") == "item 1"
    assert running.log.count("BUGSLY_SAMPLE_EVERY: 'often' is not a number") == 1
    assert server.received == []


def test_a_probe_that_fails_is_reported_and_the_app_answers(
    server: FakeServer, tmp_path: Path
) -> None:
    line = plain_command("-w", "1", app="failing:app")
    with running_program(line, tmp_path, in_production(server), troubled=True) as running:
        wait_until(
            lambda: [one for one in server.reports if one.lost.get("failed in sampler", 0) > 1],
            what="the failures are reported",
        )
        assert running.get("/items/1") == "item 1"
    assert running.log.count("bugsly sampler: OSError('no /proc today') was swallowed") == 1
    assert len(server.samples) == 1


def test_an_app_without_flask_is_watched(server: FakeServer, tmp_path: Path) -> None:
    with running_gunicorn(server, tmp_path, app="plain:app", workers=1) as running:
        for _ in range(5):
            running.get("/")
        wait_until(lambda: server.samples[-1].requests == 5, what="the requests are told")
    traffic = [one for sample in server.samples for one in sample.traffic]
    assert {one.endpoint for one in traffic} == {"GET (unrouted)"}


def test_a_master_that_answers_a_request_while_loading_is_no_worker(
    server: FakeServer, tmp_path: Path
) -> None:
    line = plain_command("-w", "2", "--preload", app="warming:app")
    with running_program(line, tmp_path, agent_environ(server)) as running:
        wait_until(lambda: len(server.workers) == 2, what="both workers report")
        assert {worker.pid for worker in server.workers.values()} == set(running.children)
        assert {sample.requests for sample in server.samples} == {0}


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_goes_away_leaves_nothing_in_flight(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    with running_gunicorn(server, tmp_path, "-k", kind, workers=1) as running:
        with socket.create_connection(("127.0.0.1", running.port), timeout=20) as client:
            client.sendall(b"GET /endless HTTP/1.1\r\nHost: shop\r\n\r\n")
            assert client.recv(100)
        wait_until(lambda: server.samples[-1].requests == 1, what="the request is told")
        assert server.samples[-1].in_flight == 0
        assert running.get("/items/1") == "item 1"


@pytest.mark.parametrize("kind", ["gthread", "gevent"])
def test_reports_go_out_encrypted(kind: str, tmp_path: Path) -> None:
    with FakeServer(tls=self_signed_context(tmp_path)) as server:
        line = watched_command(AgentInstall.RUN, ("-k", kind), "shop:app")
        environ = agent_environ(server, SSL_CERT_FILE=str(tmp_path / "certificate.pem"))
        with running_program(line, tmp_path, environ) as running:
            assert running.get("/items/1") == "item 1"
            wait_until(lambda: len(server.reports) > 1, what="two reports")
        (worker,) = server.workers.values()
        (told,) = server.exits_of(worker.pid, by_itself=True)
        assert told.reason is ExitReason.TERMINATED


def test_a_file_is_sent_whole(server: FakeServer, tmp_path: Path) -> None:
    with running_gunicorn(server, tmp_path, workers=1) as running:
        connection: http.client.HTTPConnection = running.connect()
        connection.request("GET", "/file")
        response = connection.getresponse()
        assert len(response.read()) == int(response.headers["Content-Length"]) > 0
        connection.close()


def test_the_apps_own_sitecustomize_is_run_under_gunicorn(
    server: FakeServer, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('customized', flush=True)\n")
    line = [str(BIN / "bugsly"), "run", "--", *plain_command()]
    environ = agent_environ(server, PYTHONPATH=str(tmp_path))
    with running_program(line, tmp_path, environ) as running:
        wait_until(lambda: server.reports, what="a report")
    assert "customized" in running.log


def test_an_application_of_another_kind_answers_and_its_memory_is_watched(
    server: FakeServer, tmp_path: Path
) -> None:
    with running_gunicorn(server, tmp_path, "-k", "asgi", app="asgi:app", workers=1) as running:
        (pid,) = running.children
        assert running.get("/") == str(pid)
        wait_until(lambda: len(server.samples_of(pid)) > 1, what="two samples")
    assert [one.reason for one in server.exits_of(pid, by_itself=True)] == [ExitReason.TERMINATED]
