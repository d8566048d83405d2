"""What clients see of workers being recycled, by the safety net and by max_requests."""

from __future__ import annotations

import contextlib
import math
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from bugsly.probes.process import parse_status
from bugsly.recycle.board import Board, Post, open_board
from tools.bench.report import Section
from tools.bench.running import free_port, swelling, workers_of, wrk

REQUESTS = 20_000
LESS = 4
"""How many times fewer max_requests is given: what fails with it shows soon."""
WORKERS = 4
CONNECTIONS = 16
LONGEST = 10
"""Seconds of a run of wrk."""
SHARE = 0.7
"""Of what the set-up can do at most."""
LIMIT = 110
"""Megabytes; a fresh worker has about 45, and each request leaves 0.04."""
SERVED = 1_500
"""Requests after which max_requests ends a worker: what it serves up to the limit."""
KINDS = {
    "sync": ("-k", "sync"),
    "gthread": ("-k", "gthread", "--threads", "4"),
    "gevent": ("-k", "gevent"),
}
NET = {"BUGSLY_RECYCLE_AT": f"{LIMIT} MB", "BUGSLY_RECYCLE_AGE": "1"}
NO_NET = {"BUGSLY_RECYCLE_AT": "1000000 MB"}
"""Workers tell when they are ready, and none is recycled."""
MAX_REQUESTS = ("--max-requests", str(SERVED), "--max-requests-jitter", str(SERVED // 10))
GOES = re.compile("leaves when its requests are done|Autorestarting worker")
DELAY = "delay = function() return {:.0f} end\n"


class Setup(NamedTuple):
    """How Gunicorn is set up, and its clients."""

    kind: str
    preload: bool
    keep_alive: bool

    @property
    def options(self) -> tuple[str, ...]:
        """Return the options of Gunicorn."""
        return (*KINDS[self.kind], *(("--preload",) if self.preload else ()))

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.kind}{', preload' * self.preload}, keep-alive {'on' if self.keep_alive else 'off'}"


class Outcome(NamedTuple):
    """What the clients counted, how many workers went, and how many were ready at the least."""

    requests: int
    failures: int
    recycles: int
    least: int


class Shop(NamedTuple):
    """A Gunicorn that swells."""

    port: int
    pid: int
    board: Board
    log: Path

    def await_ready(self) -> None:
        """Return when all its workers are ready."""
        deadline = time.monotonic() + 30
        while self.board.standing().ready < WORKERS:
            if time.monotonic() > deadline:
                sys.exit(f"bench: Gunicorn has no {WORKERS} workers that are ready after 30 s")
            time.sleep(0.02)


def measure(quick: bool, requests: int = REQUESTS) -> Section:  # noqa: FBT001 - every section takes it
    """Load each set-up under the net and under max_requests, then let one worker idle."""
    rounds = 1 if quick else 3
    section = Section(
        title="Recycling workers",
        how=f"{WORKERS} workers whose every request leaves 0.04 MB behind, under `wrk -c{CONNECTIONS}` at about"
        f" {SHARE:.0%} of what they can do. The safety net recycles a worker at {LIMIT} MB; `max_requests` is"
        f" {SERVED} with a tenth of jitter. Failures are what wrk counts: connections refused or reset, answers"
        " that did not come or were no 200. The last column is the time from the answer with which an"
        " otherwise idle worker passed the limit until its replacement is ready.",
        columns=("", "by", "requests", "failures", "recycled", "least ready", "limit to fresh"),
    )
    for kind, preload in product(KINDS, (False, True)):
        for keep_alive in (True, False):
            setup = Setup(kind, preload, keep_alive)
            rate = _calibrate(setup)
            net = _load(setup, (), NET, requests, rate)
            fresh = statistics.median(_idle(setup) for _ in range(rounds))
            other = _load(setup, MAX_REQUESTS, NO_NET, requests // LESS, rate)
            section.rows.append((str(setup), "the net", *map(_number, net), f"{fresh:.1f} s"))
            section.rows.append(("", "max_requests", *map(_number, other), ""))
    return section


def _number(count: int) -> str:
    return f"{count:,}"


@contextlib.contextmanager
def _shop(setup: Setup, options: tuple[str, ...], environ: dict[str, str]) -> Iterator[Shop]:
    port = free_port()
    given = ("-w", str(WORKERS), "--log-level", "info", *setup.options, *options)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with swelling(port, log, *given, **environ) as process:
            board = open_board(Post(str(process.pid), 0, WORKERS))
            assert board is not None
            shop = Shop(port, process.pid, board, log)
            shop.await_ready()
            yield shop


def _calibrate(setup: Setup) -> float:
    """Return the requests per second that the set-up can do."""
    with _shop(setup, (), NO_NET) as shop:
        done = _wrk(shop.port, "plain", 3, 0.0, keep_alive=setup.keep_alive)
    return float(_found(r"Requests/sec:\s+([\d.]+)", done))


def _load(
    setup: Setup, options: tuple[str, ...], environ: dict[str, str], requests: int, rate: float
) -> Outcome:
    """Have about as many *requests* sent at a share of *rate*, in runs of at most ten seconds.

    At that share a connection spends the rest of the time in a pause.
    """
    sent = failed = 0
    delay = 1e3 * CONNECTIONS / rate * (1 / SHARE - 1)
    with _shop(setup, options, environ) as shop, _watch(shop.board) as least:
        while sent < requests:
            seconds = min(LONGEST, math.ceil((requests - sent) / (SHARE * rate)))
            done = _wrk(shop.port, "", seconds, delay, keep_alive=setup.keep_alive)
            sent += int(_found(r"(\d+) requests in", done))
            failed += _failures(done)
        recycles = len(GOES.findall(shop.log.read_text(encoding="utf-8", errors="replace")))
    return Outcome(sent, failed, recycles, min(least))


def _idle(setup: Setup) -> float:
    """Return the seconds until a worker that passed the limit and idles is replaced."""
    with _shop(setup, (), {**NET, "BENCH_SWELL": "400000"}) as shop:
        before = set(workers_of(shop.pid))
        passed = 0
        while not passed:
            with urlopen(f"http://127.0.0.1:{shop.port}/") as answer:
                answer.read()
            passed = next((pid for pid in before if _private(pid) >= LIMIT * 1_000_000), 0)
        since = time.monotonic()
        while passed in workers_of(shop.pid):
            time.sleep(0.01)
        shop.await_ready()
        return time.monotonic() - since


def _private(pid: int) -> int:
    with contextlib.suppress(OSError):
        return parse_status(Path(f"/proc/{pid}/status").read_bytes()).anonymous
    return 0


@contextlib.contextmanager
def _watch(board: Board) -> Iterator[list[int]]:
    """Give the list of how many workers were ready, looked at every ten milliseconds."""
    seen = [board.standing().ready]
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.01):
            seen[:] = [min(*seen, board.standing().ready)]

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _wrk(port: int, path: str, seconds: int, delay: float, *, keep_alive: bool) -> str:
    close = [] if keep_alive else ["-H", "Connection: close"]
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "--timeout", "30s", *close]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(DELAY.format(delay))
        script.flush()
        paced = ["-s", script.name] if delay else []
        command = [wrk(), *options, *paced, f"http://127.0.0.1:{port}/{path}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _failures(done: str) -> int:
    """Return what wrk counted of answers that were none, or none of ours."""
    errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", done)
    others = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    return sum(map(int, errors.groups() if errors else ())) + int(others[1] if others else 0)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text
    return match[1]
