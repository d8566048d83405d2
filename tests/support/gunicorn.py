"""Gunicorn with the agent in it, in each of the ways the agent gets there."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from tests.support.command import BIN, Program, program
from tests.support.fake_server import FakeServer
from tests.support.wait import wait_until


class Way(Enum):
    """How the agent gets into the application."""

    RUN = "bugsly run"
    INIT = "bugsly.init(app)"
    CONF = "bugsly.init() in gunicorn.conf.py"


WORKERS = 2


def watched(server: FakeServer, **more: str) -> dict[str, str]:
    """Return the environment of an application that reports to *server*."""
    return {
        "BUGSLY_DSN": server.dsn,
        "BUGSLY_SAMPLE_EVERY": "0.5",
        "BUGSLY_STRICT": "1",
        "BUGSLY_RELEASE": "7",
        **more,
    }


def alone(*options: str, app: str = "shop:app", bin_folder: Path = BIN) -> list[str]:
    """Return the command that serves *app* without us."""
    return [str(bin_folder / "gunicorn"), "-b", "127.0.0.1:0", *options, app]


def command(way: Way, options: tuple[str, ...], app: str) -> list[str]:
    """Return the command that serves *app* with the agent in it; `watched` is the shop with it."""
    if way is Way.RUN:
        return [str(BIN / "bugsly"), "run", "--", *alone(*options, app=app)]
    if way is Way.INIT:
        return alone(*options, app=app.replace("shop:", "watched:"))
    return alone(*options, "-c", "watching_conf.py", app=app)


@contextmanager
def gunicorn(
    server: FakeServer,
    folder: Path,
    *options: str,
    way: Way = Way.RUN,
    app: str = "shop:app",
    workers: int = WORKERS,
    troubled: bool = False,
) -> Iterator[Program]:
    """Run Gunicorn until the end of the block, and wait until all *workers* have reported."""
    line = command(way, ("-w", str(workers), *options), app)
    with program(line, folder, watched(server), troubled=troubled) as running:
        wait_until(lambda: len(living(server, running)) == workers, 30, "all workers report")
        yield running


def living(server: FakeServer, running: Program) -> list[int]:
    """Return the pids of the workers that live, were heard of and did not say goodbye."""
    heard = {worker.pid for worker in server.workers.values()}
    return [
        pid for pid in running.children if pid in heard and not server.ends_of(pid, by_itself=True)
    ]
