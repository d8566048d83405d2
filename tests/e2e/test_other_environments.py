import os
import signal
from pathlib import Path

import pytest
from tests.support.fake_server import FakeServer
from tests.support.gunicorn import WORKERS, agent_environ, living_pids
from tests.support.http_load import http_load
from tests.support.python_versions import SUPPORTED_VERSIONS, python_interpreter
from tests.support.recycling_gunicorn import recycling_gunicorn
from tests.support.running_program import BIN, Program, running_program
from tests.support.virtual_environments import virtual_environment
from tests.support.wait import wait_until

from bugsly.protocol.memory import Exit, ExitReason

RUN = (str(BIN / "bugsly"), "run", "--")
OPTIONS = ("-b", "127.0.0.1:0", "-w", "1", "--timeout", "2")
GUNICORNS = {
    "19.10": ("gunicorn==19.10.*", "setuptools<81"),
    "20.1": ("gunicorn==20.1.*", "setuptools<81"),
    "21.2": ("gunicorn==21.2.*",),
    "22.0": ("gunicorn==22.0.*",),
    "23.0": ("gunicorn==23.0.*",),
    "25.0": ("gunicorn==25.0.*",),
    "27.0": ("gunicorn==27.0.*",),
}
SERVED = [(version, "sync") for version in GUNICORNS]
SERVED += [(version, "gthread") for version in GUNICORNS if version != "19.10"]
"""The threads of 19.10 do not run on a Python of today."""
RECYCLED = [("20.1", "sync"), *((version, kind) for version, kind in SERVED if kind == "gthread")]

FLASKS = {
    "2.0": ("flask==2.0.*", "werkzeug<2.1"),
    "2.2 with blinker": ("flask==2.2.*", "werkzeug<3", "blinker"),
    "2.3": ("flask==2.3.*", "werkzeug<3"),
    "3.0": ("flask==3.0.*",),
}


def serve(bin_folder: Path, *options: str) -> list[str]:
    """Return the command that runs the shop of another environment with our agent in it."""
    gunicorn = str(bin_folder / "gunicorn")
    return [*RUN, gunicorn, *OPTIONS, *options, "shop:app"]


class WorkerLifecycle:
    """One Gunicorn of one worker, told of by its end."""

    def __init__(self, running: Program, server: FakeServer) -> None:
        self.running = running
        self.server = server

    def worker(self) -> int:
        """Return the pid of the worker, once it is alone and has reported."""
        wait_until(lambda: len(self.running.children) == len(self._living()) == 1, 30, "a worker")
        return self._living()[0]

    def _living(self) -> list[int]:
        return living_pids(self.server, self.running)

    def exit_of(self, pid: int, *, by_itself: bool) -> Exit:
        wait_until(lambda: self.server.exits_of(pid, by_itself=by_itself), 20, "the end is told")
        return self.server.exits_of(pid, by_itself=by_itself)[0]

    def serves(self) -> None:
        before = self._counted()
        for number in range(5):
            assert self.running.get(f"/items/{number}") == f"item {number}"
        wait_until(lambda: self._counted() == before + 5, what="the requests are told")

    def _counted(self) -> int:
        traffic = [one for sample in self.server.samples for one in sample.traffic]
        return sum(one.requests for one in traffic if one.endpoint == "GET /items/<int:number>")

    def is_killed(self) -> None:
        pid = self.worker()
        os.kill(pid, signal.SIGKILL)
        told = self.exit_of(pid, by_itself=False)
        assert (told.reason, told.signal) == (ExitReason.KILLED, signal.SIGKILL)

    def crashes(self) -> None:
        pid = self.worker()
        self.running.try_get("/leave/7")
        told = self.exit_of(pid, by_itself=False)
        assert (told.reason, told.code) == (ExitReason.CRASHED, 7)

    def hangs(self) -> None:
        pid = self.worker()
        os.kill(pid, signal.SIGSTOP)
        assert self.exit_of(pid, by_itself=False).reason is ExitReason.TIMEOUT

    def reloads(self) -> None:
        pid = self.worker()
        self.running.signal(signal.SIGHUP)
        assert self.exit_of(pid, by_itself=True).reason is ExitReason.TERMINATED
        heir = self.server.worker_of(self.worker())
        assert heir is not None
        assert heir.generation == 1

    def ends(self) -> None:
        pid = self.worker()
        self.running.signal(signal.SIGTERM)
        assert self.running.wait() == 0
        assert self.exit_of(pid, by_itself=True).reason is ExitReason.TERMINATED


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_an_app_in_an_environment_without_bugsly_is_watched(
    version: str, server: FakeServer, tmp_path: Path
) -> None:
    bin_folder = virtual_environment(tmp_path, python_interpreter(version), "flask", "gunicorn")
    with running_program(serve(bin_folder), tmp_path, agent_environ(server)) as running:
        life = WorkerLifecycle(running, server)
        life.worker()
        life.serves()
        life.is_killed()
        life.ends()
    line = [*RUN, str(bin_folder / "flask"), "--app", "shop", "run", "-p", "0"]
    with running_program(line, tmp_path, agent_environ(server)) as running:
        life = WorkerLifecycle(running, server)
        wait_until(lambda: running.get("/") and server.worker_of(running.pid), what="a report")
        life.serves()
        running.signal(signal.SIGINT)
        running.wait()
        assert life.exit_of(running.pid, by_itself=True).reason is ExitReason.FINISHED
    assert {worker.python.rpartition(".")[0] for worker in server.workers.values()} == {version}


@pytest.mark.slow
@pytest.mark.parametrize(("version", "kind"), SERVED)
def test_every_gunicorn_of_the_last_years_is_understood(
    version: str, kind: str, server: FakeServer, tmp_path: Path
) -> None:
    bin_folder = virtual_environment(
        tmp_path, python_interpreter("3.11"), "flask", *GUNICORNS[version]
    )
    with running_program(serve(bin_folder, "-k", kind), tmp_path, agent_environ(server)) as running:
        life = WorkerLifecycle(running, server)
        life.serves()
        life.is_killed()
        life.crashes()
        life.hangs()
        life.reloads()
        life.ends()
    servers = {worker.server for worker in server.workers.values()}
    assert len(servers) == 1
    assert servers.pop().startswith(f"gunicorn {version}.")


@pytest.mark.slow
@pytest.mark.parametrize(("version", "kind"), RECYCLED)
def test_workers_of_every_gunicorn_are_recycled_and_no_request_fails(
    version: str, kind: str, server: FakeServer, tmp_path: Path
) -> None:
    bin_folder = virtual_environment(
        tmp_path, python_interpreter("3.11"), "flask", *GUNICORNS[version]
    )
    threads = ("--threads", "4") if kind == "gthread" else ()
    with recycling_gunicorn(server, tmp_path, "-k", kind, *threads, bin_folder=bin_folder) as shop:
        with http_load(shop.port, observe=shop.ready_workers) as clients:
            shop.await_recycled(WORKERS + 1)
        assert clients.failed == []
        assert clients.min_observed >= WORKERS - 1
    server.received.clear()
    with recycling_gunicorn(
        server, tmp_path, "-k", kind, "--reuse-port", bin_folder=bin_folder
    ) as shop:
        wait_until(lambda: shop.is_reason_reported("turn reuse_port off"), 30, "it cannot")


@pytest.mark.slow
def test_workers_that_speak_http2_are_not_recycled(server: FakeServer, tmp_path: Path) -> None:
    bin_folder = virtual_environment(
        tmp_path, python_interpreter("3.11"), "flask", "gunicorn[http2]==27.0.*"
    )
    http2 = ("-k", "gthread", "--http-protocols", "h1,h2", "--http2-cleartext", "both")
    with recycling_gunicorn(server, tmp_path, *http2, bin_folder=bin_folder) as shop:
        wait_until(lambda: shop.is_reason_reported("speak HTTP/1.1 to Gunicorn"), 30, "it cannot")


@pytest.mark.slow
@pytest.mark.parametrize("version", FLASKS)
def test_every_flask_of_the_last_years_is_counted_by_its_rules(
    version: str, server: FakeServer, tmp_path: Path
) -> None:
    bin_folder = virtual_environment(
        tmp_path, python_interpreter("3.10"), "gunicorn", *FLASKS[version]
    )
    with running_program(serve(bin_folder), tmp_path, agent_environ(server)) as running:
        life = WorkerLifecycle(running, server)
        life.serves()
        life.ends()
