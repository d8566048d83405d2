import os
import shutil
import signal
import sys
from pathlib import Path

import pytest
from tests.support.fake_server import FakeServer
from tests.support.gunicorn import agent_environ
from tests.support.running_program import APPS, BIN, Program, running_program
from tests.support.wait import wait_until

from bugsly.protocol.memory import ExitReason

RUN = [str(BIN / "bugsly"), "run", "--"]
FLASK = str(BIN / "flask")
UNKNOWN_TO_US = 1
"""The first request of an application that no line of code handed to us."""


def counted_requests(server: FakeServer, endpoint: str) -> int:
    traffic = [one for sample in server.samples for one in sample.traffic]
    return sum(one.requests for one in traffic if one.endpoint == endpoint)


def shop_around(running: Program, server: FakeServer, uncounted: int) -> int:
    """Have requests answered and told of, and return the pid of the process that did."""
    pid = int(running.get("/"))
    for number in range(10):
        assert running.get(f"/items/{number}") == f"item {number}"
    wait_until(
        lambda: counted_requests(server, "GET /items/<int:number>") == 10,
        what="the requests are told",
    )
    assert counted_requests(server, "GET /") == 1 - uncounted
    return pid


def check_worker(server: FakeServer, pid: int) -> None:
    (worker,) = server.workers.values()
    assert worker.pid == pid
    assert (worker.server, worker.parent, worker.number) == ("", 0, 0)


@pytest.mark.parametrize("name", ["flask", "waitress", "wsgiref", "pywsgi"])
@pytest.mark.parametrize(
    ("prefix", "suffix", "uncounted"),
    [(RUN, [], UNKNOWN_TO_US), ([], ["--init"], 0)],
    ids=["bugsly run", "bugsly.init(app)"],
)
def test_an_app_under_another_server_is_watched(
    name: str,
    prefix: list[str],
    suffix: list[str],
    uncounted: int,
    server: FakeServer,
    tmp_path: Path,
) -> None:
    line = [*prefix, sys.executable, "serving.py", name, *suffix]
    with running_program(line, tmp_path, agent_environ(server)) as running:
        pid = shop_around(running, server, uncounted)
        assert pid == running.pid
        check_worker(server, pid)
        running.signal(signal.SIGINT)
        running.wait()
    assert [one.reason for one in server.exits_of(pid, by_itself=True)] == [ExitReason.FINISHED]


@pytest.mark.parametrize("options", [[], ["--without-threads"]], ids=["threads", "no threads"])
@pytest.mark.parametrize(
    ("prefix", "app", "uncounted"),
    [(RUN, "shop", UNKNOWN_TO_US), ([], "watched", 0)],
    ids=["bugsly run", "bugsly.init(app)"],
)
def test_flask_run_is_watched(
    options: list[str],
    prefix: list[str],
    app: str,
    uncounted: int,
    server: FakeServer,
    tmp_path: Path,
) -> None:
    line = [*prefix, FLASK, "--app", app, "run", "-p", "0", *options]
    with running_program(line, tmp_path, agent_environ(server)) as running:
        pid = shop_around(running, server, uncounted)
        check_worker(server, pid)
        running.signal(signal.SIGINT)
        running.wait()
    assert [one.reason for one in server.exits_of(pid, by_itself=True)] == [ExitReason.FINISHED]


def test_flask_run_is_watched_across_its_reloads(server: FakeServer, tmp_path: Path) -> None:
    shop = tmp_path / "shop.py"
    shutil.copy(APPS / "shop.py", shop)
    line = [*RUN, FLASK, "--app", str(shop), "run", "-p", "0", "--debug"]
    with running_program(line, tmp_path, agent_environ(server)) as running:
        pid = shop_around(running, server, UNKNOWN_TO_US)
        assert pid != running.pid
        check_worker(server, pid)
        shop.write_text(shop.read_text() + "\n")
        wait_until(lambda: server.exits_of(pid, by_itself=True), 20, "the process ends")
        wait_until(running.answers, 20, "the next one answers")
        heir = int(running.get("/"))
        wait_until(lambda: server.worker_of(heir), what="the next one reports")
        os.killpg(running.pid, signal.SIGINT)
        running.wait()
    assert {worker.pid for worker in server.workers.values()} == {pid, heir}
