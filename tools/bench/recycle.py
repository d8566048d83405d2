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
from bugsly.recycle.host_coordinator import HostCoordinator, WorkerSlot, open_host_coordinator
from tools.bench.processes import free_port, leaking_gunicorn, workers_of, wrk
from tools.bench.section import Section

REQUESTS = 20_000
MAX_REQUESTS_DIVISOR = 4
"""How many times fewer max_requests is given: what fails with it shows soon."""
WORKERS = 4
CONNECTIONS = 16
MAX_WRK_SECONDS = 10
"""Seconds of a run of wrk."""
LOAD_SHARE = 0.7
"""Of what the set-up can do at most."""
RECYCLE_AT_MEGABYTES = 110
"""Megabytes; a fresh worker has about 45, and each request leaves 0.04."""
REQUESTS_PER_WORKER = 1_500
"""Requests after which max_requests ends a worker: what it serves up to the limit."""
WORKER_CLASSES = {
    "sync": ("-k", "sync"),
    "gthread": ("-k", "gthread", "--threads", "4"),
    "gevent": ("-k", "gevent"),
}
RECYCLING_ENVIRON = {"BUGSLY_RECYCLE_AT": f"{RECYCLE_AT_MEGABYTES} MB", "BUGSLY_RECYCLE_AGE": "1"}
NO_RECYCLING_ENVIRON = {"BUGSLY_RECYCLE_AT": "1000000 MB"}
"""Workers tell when they are ready, and none is recycled."""
MAX_REQUESTS_OPTIONS = (
    "--max-requests",
    str(REQUESTS_PER_WORKER),
    "--max-requests-jitter",
    str(REQUESTS_PER_WORKER // 10),
)
LEAVING_LOG_LINE = re.compile("leaves when its requests are done|Autorestarting worker")
DELAY_SCRIPT = "delay = function() return {:.0f} end\n"


class GunicornSetup(NamedTuple):
    """How Gunicorn is set up, and its clients."""

    kind: str
    preload: bool
    keep_alive: bool

    @property
    def options(self) -> tuple[str, ...]:
        """Return the options of Gunicorn."""
        return (*WORKER_CLASSES[self.kind], *(("--preload",) if self.preload else ()))

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.kind}{', preload' * self.preload}, keep-alive {'on' if self.keep_alive else 'off'}"


class RecycleOutcome(NamedTuple):
    """What the clients counted, how many workers went, and how many were ready at the least."""

    requests: int
    failures: int
    recycles: int
    min_ready: int


class LoadedGunicorn(NamedTuple):
    """A Gunicorn that swells."""

    port: int
    pid: int
    coordinator: HostCoordinator
    log: Path

    def await_ready(self) -> None:
        """Return when all its workers are ready."""
        deadline = time.monotonic() + 30
        while self.coordinator.worker_counts().ready < WORKERS:
            if time.monotonic() > deadline:
                sys.exit(f"bench: Gunicorn has no {WORKERS} workers that are ready after 30 s")
            time.sleep(0.02)


def measure(quick: bool, requests: int = REQUESTS) -> Section:  # noqa: FBT001 - every section takes it
    """Load each set-up under the net and under max_requests, then let one worker idle."""
    rounds = 1 if quick else 3
    section = Section(
        title="Recycling workers",
        how=f"{WORKERS} workers whose every request leaves 0.04 MB behind, under `wrk -c{CONNECTIONS}` at about"
        f" {LOAD_SHARE:.0%} of what they can do. The safety net recycles a worker at {RECYCLE_AT_MEGABYTES} MB; `max_requests` is"
        f" {REQUESTS_PER_WORKER} with a tenth of jitter. Failures are what wrk counts: connections refused or reset, answers"
        " that did not come or were no 200. The last column is the time from the answer with which an"
        " otherwise idle worker passed the limit until its replacement is ready.",
        columns=("", "by", "requests", "failures", "recycled", "least ready", "limit to fresh"),
    )
    for kind, preload in product(WORKER_CLASSES, (False, True)):
        for keep_alive in (True, False):
            setup = GunicornSetup(kind, preload, keep_alive)
            rate = _calibrate(setup)
            recycled = _measure_load(setup, (), RECYCLING_ENVIRON, requests, rate)
            replacement_seconds = statistics.median(
                _measure_idle_replacement(setup) for _ in range(rounds)
            )
            restarted = _measure_load(
                setup,
                MAX_REQUESTS_OPTIONS,
                NO_RECYCLING_ENVIRON,
                requests // MAX_REQUESTS_DIVISOR,
                rate,
            )
            section.rows.append(
                (
                    str(setup),
                    "the net",
                    *map(_format_count, recycled),
                    f"{replacement_seconds:.1f} s",
                )
            )
            section.rows.append(("", "max_requests", *map(_format_count, restarted), ""))
    return section


def _format_count(count: int) -> str:
    return f"{count:,}"


@contextlib.contextmanager
def _running_gunicorn(
    setup: GunicornSetup, options: tuple[str, ...], environ: dict[str, str]
) -> Iterator[LoadedGunicorn]:
    port = free_port()
    given = ("-w", str(WORKERS), "--log-level", "info", *setup.options, *options)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with leaking_gunicorn(port, log, *given, **environ) as process:
            coordinator = open_host_coordinator(WorkerSlot(str(process.pid), 0, WORKERS))
            assert coordinator is not None
            shop = LoadedGunicorn(port, process.pid, coordinator, log)
            shop.await_ready()
            yield shop


def _calibrate(setup: GunicornSetup) -> float:
    """Return the requests per second that the set-up can do."""
    with _running_gunicorn(setup, (), NO_RECYCLING_ENVIRON) as shop:
        done = _run_wrk(shop.port, "plain", 3, 0.0, keep_alive=setup.keep_alive)
    return float(_first_match(r"Requests/sec:\s+([\d.]+)", done))


def _measure_load(
    setup: GunicornSetup,
    options: tuple[str, ...],
    environ: dict[str, str],
    requests: int,
    rate: float,
) -> RecycleOutcome:
    """Have about as many *requests* sent at a share of *rate*, in runs of at most ten seconds.

    At that share a connection spends the rest of the time in a pause.
    """
    sent = failed = 0
    delay = 1e3 * CONNECTIONS / rate * (1 / LOAD_SHARE - 1)
    with (
        _running_gunicorn(setup, options, environ) as shop,
        _watching_ready(shop.coordinator) as fewest_ready,
    ):
        while sent < requests:
            seconds = min(MAX_WRK_SECONDS, math.ceil((requests - sent) / (LOAD_SHARE * rate)))
            done = _run_wrk(shop.port, "", seconds, delay, keep_alive=setup.keep_alive)
            sent += int(_first_match(r"(\d+) requests in", done))
            failed += _count_failures(done)
        recycles = len(
            LEAVING_LOG_LINE.findall(shop.log.read_text(encoding="utf-8", errors="replace"))
        )
    return RecycleOutcome(sent, failed, recycles, min(fewest_ready))


def _measure_idle_replacement(setup: GunicornSetup) -> float:
    """Return the seconds until a worker that passed the limit and idles is replaced."""
    with _running_gunicorn(setup, (), {**RECYCLING_ENVIRON, "BENCH_SWELL": "400000"}) as shop:
        before = set(workers_of(shop.pid))
        pid_over_limit = 0
        while not pid_over_limit:
            with urlopen(f"http://127.0.0.1:{shop.port}/") as answer:
                answer.read()
            pid_over_limit = next(
                (pid for pid in before if _private_bytes(pid) >= RECYCLE_AT_MEGABYTES * 1_000_000),
                0,
            )
        started_at = time.monotonic()
        while pid_over_limit in workers_of(shop.pid):
            time.sleep(0.01)
        shop.await_ready()
        return time.monotonic() - started_at


def _private_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        return parse_status(Path(f"/proc/{pid}/status").read_bytes()).anonymous
    return 0


@contextlib.contextmanager
def _watching_ready(coordinator: HostCoordinator) -> Iterator[list[int]]:
    """Give the list of how many workers were ready, looked at every ten milliseconds."""
    fewest_ready = [coordinator.worker_counts().ready]
    stopped = threading.Event()

    def poll() -> None:
        while not stopped.wait(0.01):
            fewest_ready[:] = [min(*fewest_ready, coordinator.worker_counts().ready)]

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield fewest_ready
    finally:
        stopped.set()
        thread.join()


def _run_wrk(port: int, path: str, seconds: int, delay: float, *, keep_alive: bool) -> str:
    close = [] if keep_alive else ["-H", "Connection: close"]
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "--timeout", "30s", *close]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(DELAY_SCRIPT.format(delay))
        script.flush()
        paced = ["-s", script.name] if delay else []
        command = [wrk(), *options, *paced, f"http://127.0.0.1:{port}/{path}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _count_failures(done: str) -> int:
    """Return what wrk counted of answers that were none, or none of ours."""
    errors = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", done)
    others = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    return sum(map(int, errors.groups() if errors else ())) + int(others[1] if others else 0)


def _first_match(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text
    return match[1]
