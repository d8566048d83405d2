import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cgroup import memory_cgroup
from tests.support.fake_server import FakeServer
from tests.support.gunicorn import (
    AgentInstall,
    agent_environ,
    living_pids,
    running_gunicorn,
    watched_command,
)
from tests.support.http_load import hold_request
from tests.support.running_program import Program, running_program
from tests.support.wait import wait_until

from bugsly.protocol.memory import Exit, ExitReason

KINDS = ("sync", "gthread", "gevent")
INSTALLS = (
    (AgentInstall.RUN, "-k", "sync"),
    (AgentInstall.RUN, "-k", "gthread"),
    (AgentInstall.RUN, "-k", "gevent"),
    (AgentInstall.INIT, "-k", "gthread", "--preload"),
    (AgentInstall.CONF, "-k", "gevent", "--preload"),
)
"""Those in which the master has the agent too, and can tell of its workers."""
LIMIT = 400 << 20


class ReportingGunicorn:
    """A running Gunicorn, and the server it reports to."""

    def __init__(self, running: Program, server: FakeServer) -> None:
        self.running = running
        self.server = server

    def worker(self) -> int:
        """Return the pid of a worker."""
        return self.workers()[0]

    def workers(self) -> list[int]:
        """Return the pids of both workers, once there are two and no other."""
        wait_until(
            lambda: len(living_pids(self.server, self.running)) == len(self.running.children) == 2,
            20,
            "two workers report",
        )
        return living_pids(self.server, self.running)

    def exit_of(self, pid: int, *, by_itself: bool) -> Exit:
        """Return how *pid* ended, once it or another has said so."""
        wait_until(
            lambda: self.server.exits_of(pid, by_itself=by_itself), 20, f"the end of {pid} is told"
        )
        return self.server.exits_of(pid, by_itself=by_itself)[0]

    def generation(self) -> int:
        return max(worker.generation for worker in self.server.workers.values())


@pytest.fixture(scope="module", params=INSTALLS, ids=lambda way: " ".join(map(str, way)))
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReportingGunicorn]:
    way, *options = request.param
    folder = tmp_path_factory.mktemp("gunicorn")
    with FakeServer() as server, running_gunicorn(server, folder, *options, way=way) as running:
        yield ReportingGunicorn(running, server)


def test_a_worker_that_was_killed_is_reported_by_the_next_one(shop: ReportingGunicorn) -> None:
    pid = shop.worker()
    os.kill(pid, signal.SIGKILL)
    told = shop.exit_of(pid, by_itself=False)
    assert (told.reason, told.signal, told.code) == (ExitReason.KILLED, signal.SIGKILL, 0)


def test_a_worker_that_crashed_is_reported_with_its_signal(shop: ReportingGunicorn) -> None:
    pid = shop.worker()
    os.kill(pid, signal.SIGSEGV)
    told = shop.exit_of(pid, by_itself=False)
    assert (told.reason, told.signal, told.code) == (ExitReason.CRASHED, signal.SIGSEGV, 0)


def test_a_worker_that_left_with_a_code_is_reported_with_it(shop: ReportingGunicorn) -> None:
    before = set(shop.workers())
    shop.running.try_get("/leave/7")
    wait_until(lambda: before - set(shop.running.children), what="a worker is gone")
    (pid,) = before - set(shop.running.children)
    told = shop.exit_of(pid, by_itself=False)
    assert (told.reason, told.signal, told.code) == (ExitReason.CRASHED, 0, 7)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGTERM, ExitReason.TERMINATED),
        (signal.SIGINT, ExitReason.QUIT),
        (signal.SIGQUIT, ExitReason.QUIT),
    ],
)
def test_a_worker_that_was_asked_to_go_says_so_itself(
    number: signal.Signals, reason: ExitReason, shop: ReportingGunicorn
) -> None:
    pid = shop.worker()
    os.kill(pid, number)
    told = shop.exit_of(pid, by_itself=True)
    assert (told.reason, told.signal, told.code) == (reason, 0, 0)
    shop.workers()
    assert shop.server.exits_of(pid, by_itself=False) == []


def test_a_reload_replaces_a_generation_by_the_next(shop: ReportingGunicorn) -> None:
    before, generation = shop.workers(), shop.generation()
    shop.running.signal(signal.SIGHUP)
    for pid in before:
        assert shop.exit_of(pid, by_itself=True).reason is ExitReason.TERMINATED
    after = [shop.server.worker_of(pid) for pid in shop.workers()]
    assert {one.generation for one in after if one} == {generation + 1}
    assert all(one.parent == shop.running.pid for one in after if one)


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_served_enough_says_so_and_the_next_has_no_more_threads(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    options = ("-k", kind, "--max-requests", "5", "--no-control-socket")
    with running_gunicorn(server, tmp_path, *options, workers=1) as running:
        shop = ReportingGunicorn(running, server)
        for _ in range(3):
            (pid,) = running.children
            wait_until(lambda: running.get("/") != str(pid), what="another worker answers")  # noqa: B023
            assert shop.exit_of(pid, by_itself=True).reason is ExitReason.MAX_REQUESTS
            assert server.samples_of(pid)[-1].requests >= 5
        ours = [name for name in running.get("/threads").split(",") if name.startswith("bugsly")]
        assert ours == ["bugsly-sampler", "bugsly-sender"]
        assert threads_of(running.pid) == 1


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


@pytest.mark.parametrize("kind", ["sync", "gevent"])
def test_a_worker_that_is_busy_for_too_long_says_that_it_was_aborted(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    options = ("-k", kind, "--timeout", "2")
    with running_gunicorn(server, tmp_path, *options, workers=1, troubled=True) as running:
        (pid,) = running.children
        running.get()  # the first one also starts the agent, while Gunicorn's time runs already
        running.try_get("/busy/60")
        told = ReportingGunicorn(running, server).exit_of(pid, by_itself=True)
        assert told.reason is ExitReason.TIMEOUT
        (stuck,) = server.samples_of(pid)[-1].under_way
        assert (stuck.endpoint, stuck.requests) == ("GET /busy/<int:seconds>", 1)
        assert stuck.micros > 2_000_000
        told = ReportingGunicorn(running, server).exit_of(pid, by_itself=False)
        assert told.reason is ExitReason.TIMEOUT


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_a_worker_that_is_killed_in_the_middle_of_a_view_had_named_it(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    with running_gunicorn(server, tmp_path, "-k", kind, workers=1, troubled=True) as running:
        (pid,) = running.children
        waiting = hold_request(running.port, "/busy/60")
        wait_until(lambda: server.samples_of(pid)[-1].under_way, 20, "the view is told")
        os.kill(pid, signal.SIGKILL)
        waiting.join()
        assert (
            ReportingGunicorn(running, server).exit_of(pid, by_itself=False).reason
            is ExitReason.KILLED
        )
        (cut_off,) = server.samples_of(pid)[-1].under_way
        assert (cut_off.endpoint, cut_off.requests) == ("GET /busy/<int:seconds>", 1)
        assert cut_off.micros > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_hangs_beyond_help_is_reported_by_the_next_one(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    with running_gunicorn(server, tmp_path, "-k", kind, "--timeout", "2", workers=1) as running:
        (pid,) = running.children
        os.kill(pid, signal.SIGSTOP)
        told = ReportingGunicorn(running, server).exit_of(pid, by_itself=False)
        assert (told.reason, told.signal) == (ExitReason.TIMEOUT, signal.SIGKILL)


@pytest.mark.parametrize("kind", KINDS)
def test_workers_whose_master_is_gone_say_so(kind: str, server: FakeServer, tmp_path: Path) -> None:
    with running_gunicorn(server, tmp_path, "-k", kind, "--timeout", "4") as running:
        workers = running.children
        running.signal(signal.SIGKILL)
        running.wait()
        for pid in workers:
            told = ReportingGunicorn(running, server).exit_of(pid, by_itself=True)
            assert told.reason is ExitReason.ORPHANED


def test_a_worker_that_ate_too_much_is_reported_by_the_next_one(
    server: FakeServer, tmp_path: Path
) -> None:
    line = watched_command(AgentInstall.RUN, ("-w", "1"), "shop:app")
    with (
        memory_cgroup(LIMIT) as cgroup,
        running_program(cgroup.command_inside(line), tmp_path, agent_environ(server)) as running,
    ):
        wait_until(lambda: living_pids(server, running), what="the worker reports")
        (pid,) = running.children
        running.try_get("/eat/1000")
        told = ReportingGunicorn(running, server).exit_of(pid, by_itself=False)
        assert (told.reason, told.signal) == (ExitReason.OUT_OF_MEMORY, signal.SIGKILL)
        wait_until(lambda: living_pids(server, running), what="the next worker reports")
        (heir,) = living_pids(server, running)
        assert server.samples_of(pid)[0].limit == server.samples_of(heir)[0].limit == LIMIT
        assert server.samples_of(pid)[0].oom_kills == 0
        assert server.samples_of(heir)[0].oom_kills == 1
