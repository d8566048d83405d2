"""Gunicorn with the agent in it, in each of the ways the agent gets there."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from tests.support.fake_server import FakeServer
from tests.support.running_program import BIN, Program, running_program
from tests.support.wait import wait_until


class AgentInstall(Enum):
    """How the agent gets into the application."""

    RUN = "bugsly run"
    INIT = "bugsly.init(app)"
    CONF = "bugsly.init() in gunicorn.conf.py"


WORKERS = 2


def agent_environ(server: FakeServer, **more: str) -> dict[str, str]:
    """Return the environment of an application that reports to *server*."""
    return {
        "BUGSLY_DSN": server.dsn,
        "BUGSLY_SAMPLE_EVERY": "0.5",
        "BUGSLY_STRICT": "1",
        "BUGSLY_RELEASE": "7",
        **more,
    }


def plain_command(*options: str, app: str = "shop:app", bin_folder: Path = BIN) -> list[str]:
    """Return the command that serves *app* without us."""
    return [str(bin_folder / "gunicorn"), "-b", "127.0.0.1:0", *options, app]


def watched_command(way: AgentInstall, options: tuple[str, ...], app: str) -> list[str]:
    """Return the command that serves *app* with the agent in it, under `agent_environ`."""
    if way is AgentInstall.RUN:
        return [str(BIN / "bugsly"), "run", "--", *plain_command(*options, app=app)]
    if way is AgentInstall.INIT:
        return plain_command(*options, app=app.replace("shop:", "watched:"))
    return plain_command(*options, "-c", "watching_conf.py", app=app)


@contextmanager
def running_gunicorn(
    server: FakeServer,
    folder: Path,
    *options: str,
    way: AgentInstall = AgentInstall.RUN,
    app: str = "shop:app",
    workers: int = WORKERS,
    troubled: bool = False,
) -> Iterator[Program]:
    """Run Gunicorn until the end of the block, and wait until all *workers* have reported."""
    command_line = watched_command(way, ("-w", str(workers), *options), app)
    with running_program(command_line, folder, agent_environ(server), troubled=troubled) as running:
        wait_until(lambda: len(living_pids(server, running)) == workers, 30, "all workers report")
        yield running


def living_pids(server: FakeServer, running: Program) -> list[int]:
    """Return the pids of the workers that live, were heard of and did not say goodbye."""
    reported_pids = {worker.pid for worker in server.workers.values()}
    return [
        pid
        for pid in running.children
        if pid in reported_pids and not server.exits_of(pid, by_itself=True)
    ]
