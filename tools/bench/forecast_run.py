"""Lets one lab run into its memory limit, and notes what was told of it halfway."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bugsly.probes.memory_limit import read_headroom
from bugsly.probes.process import parse_status
from bugsly.recycle.forecast import (
    MAX_READINGS,
    READING_INTERVAL_SECONDS,
    ExhaustionForecast,
    MemoryReading,
    forecast_exhaustion,
)
from bugsly.recycle.recycler import DRAIN_SECONDS
from bugsly_server.detect.growth_detection import is_surely_growing
from bugsly_server.detect.memory_forecast import forecast_limit
from bugsly_server.doctor.load_generator import LoadGenerator
from bugsly_server.doctor.load_plan import LoadPlan, RequestTemplate
from bugsly_server.model.issue import MemoryForecast
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import projects, workers
from bugsly_server.store.meta.database import Database
from tools.bench.memory_limit import memory_cgroup, probe_root_of
from tools.bench.peer_environment import ROOT
from tools.bench.processes import await_port, free_port, running_process, workers_of

RUN_TIMEOUT_SECONDS = 300.0
"""Seconds after which a run is given up."""
RATE_NOISE = 0.3
"""By which share the pace goes up and down from second to second."""
GRACEFUL_TIMEOUT_SECONDS = 30.0
"""Gunicorn's own graceful timeout."""
HALF_OF_HEADROOM = 0.5
RATE_CHANGE_AT = 0.25
"""The share of the headroom after which the rate changes, where it does."""
POLL_SECONDS = 0.2
WARM_UP_SECONDS = 15.0
"""Seconds of requests before the start is noted: what is loaded by then is no leak."""
LABS = ROOT / "labs"
UNLIMITED_REQUESTS = 10_000_000


class BenchLab(NamedTuple):
    """What leaks, how it is asked, and how much it may take."""

    target: str
    story: str
    paths: dict[str, int]
    """Each with its weight."""
    rate: float
    """Requests per second."""
    megabytes: int
    """From the start to the limit."""
    swing: float = 1.0
    """How many times more or less often than its weight says a path may come for a while."""
    later: float = 1.0
    """By what the rate is multiplied at a quarter of the way."""
    options: tuple[str, ...] = ("-k", "gthread", "--threads", "4")


class ForecastOutcome(NamedTuple):
    """What was said when half of the headroom was used, and what came; times are seconds."""

    server_forecast: MemoryForecast | None
    """By the server."""
    agent_bound: float | None
    """By the agent."""
    actual_seconds: float
    margin_seconds: float | None
    """Before the limit, when the bound told the agent to leave."""


def run_lab(folder: Path, dsn: str, lab: BenchLab) -> ForecastOutcome:
    """Start *lab*, drive it, and look on until it is killed."""
    port = free_port()
    gunicorn_command = [sys.executable, "-m", "gunicorn", lab.target, "-b", f"127.0.0.1:{port}"]
    command = [sys.executable, "-m", "bugsly", "run", "--", *gunicorn_command, *lab.options]
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "BUGSLY_DSN": dsn,
        "BUGSLY_ENVIRONMENT": f"{port}",
        "BUGSLY_SAMPLE_EVERY": "1",
        "BENCH_SWELL": "400000",
    }
    with (
        memory_cgroup() as cgroup,
        running_process(cgroup.command_inside(command), environ, LABS) as process,
    ):
        await_port(port)
        driver = LoadGenerator(port, _plan(lab), 1 / lab.rate)
        driver.start()
        try:
            worker = _warm_worker(process.pid, driver)
            with probe_root_of(worker) as root:
                start = read_headroom(root).used
                cgroup.set_limit(start + lab.megabytes * 1_000_000)
                return _run_to_limit(
                    root, start, driver, lab, partial(_stored_worker, folder, worker)
                )
        finally:
            driver.stop()


def _plan(lab: BenchLab) -> LoadPlan:
    endpoints = tuple(
        RequestTemplate(path=path, weight=weight) for path, weight in lab.paths.items()
    )
    return LoadPlan(endpoints=endpoints, requests=UNLIMITED_REQUESTS, swing=lab.swing)


def _warm_worker(master: int, driver: LoadGenerator) -> int:
    """Return the process of the only worker once it is warm."""
    time.sleep(WARM_UP_SECONDS)
    if not driver.tally().answered:
        sys.exit(
            f"bench: Gunicorn did not answer within {WARM_UP_SECONDS:.0f} s: {driver.tally().problem}"
        )
    return workers_of(master)[0]


def _run_to_limit(
    root: Path,
    start: int,
    driver: LoadGenerator,
    lab: BenchLab,
    stored_worker: Callable[[], Worker],
) -> ForecastOutcome:
    """Look at the worker until it is gone; when half of its headroom is used, ask what is to come."""
    recycler, rate_variation = DryRunRecycler(root), RateVariation(driver, lab)
    halfway_at, server_forecast, bound = 0.0, None, None
    started_at = now = time.monotonic()
    while (used := recycler.observe(now)) is not None:
        if now - started_at > RUN_TIMEOUT_SECONDS:
            sys.exit(
                f"bench: {lab.target} did not use up its memory in {RUN_TIMEOUT_SECONDS:.0f} s"
            )
        share = (used - start) / (lab.megabytes * 1_000_000)
        rate_variation.vary_rate(now, share)
        if not halfway_at and share >= HALF_OF_HEADROOM:
            worker = stored_worker()
            halfway_at, bound = (
                now,
                recycler.outlook.seconds_left if recycler.outlook is not None else None,
            )
            server_forecast = forecast_limit([worker]) if is_surely_growing(worker) else None
        time.sleep(POLL_SECONDS)
        now = time.monotonic()
    if not halfway_at:
        sys.exit(f"bench: {lab.target} lost its worker before half of its memory was used")
    return ForecastOutcome(
        server_forecast,
        bound,
        now - halfway_at,
        now - recycler.would_leave_at if recycler.would_leave_at else None,
    )


class DryRunRecycler:
    """What the safety net of a worker sees and thinks, without anything coming of it."""

    def __init__(self, root: Path) -> None:
        """Look through the eyes of the worker whose root for probes is *root*."""
        self._root = root
        self._memory_readings: deque[MemoryReading] = deque(maxlen=MAX_READINGS)
        self.outlook: ExhaustionForecast | None = None
        self.would_leave_at = 0.0
        """When it would have left for lack of memory, 0 while it would stay."""

    def observe(self, now: float) -> int | None:
        """Return the bytes that are used, None where the worker is gone."""
        private_bytes = _private_bytes(self._root)
        if not private_bytes:
            return None
        headroom = read_headroom(self._root)
        if (
            not self._memory_readings
            or now - self._memory_readings[-1].at >= READING_INTERVAL_SECONDS
        ):
            self._memory_readings.append(MemoryReading(now, private_bytes, headroom.used))
            self.outlook = forecast_exhaustion(self._memory_readings, headroom.limit)
            runs_out_soon = (
                self.outlook is not None
                and self.outlook.seconds_left < DRAIN_SECONDS + GRACEFUL_TIMEOUT_SECONDS
            )
            self.would_leave_at = self.would_leave_at or (now if runs_out_soon else 0.0)
        return headroom.used


class RateVariation:
    """Lets a driver go faster and slower from second to second, the same way in each run."""

    def __init__(self, driver: LoadGenerator, lab: BenchLab) -> None:
        """Begin with the rate of *lab*."""
        self._driver = driver
        self._lab = lab
        self._random = random.Random(7)  # noqa: S311 - the same noise each time is what is wanted
        self._changed_at = 0.0

    def vary_rate(self, now: float, share: float) -> None:
        """Change the pace if it is time to, with *share* of the headroom used."""
        if now - self._changed_at >= 1:
            self._changed_at = now
            rate = self._lab.rate * (self._lab.later if share >= RATE_CHANGE_AT else 1)
            pace = self._random.uniform(1 - RATE_NOISE, 1 + RATE_NOISE) / rate
            self._driver.extend(self._driver.tally().limit + 1, pace)


def _private_bytes(root: Path) -> int:
    with contextlib.suppress(OSError):
        return parse_status((root / "proc/self/status").read_bytes()).anonymous
    return 0


def _stored_worker(folder: Path, pid: int) -> Worker:
    """Return what the server knows of process *pid*."""
    database = Database(folder / "meta.db")
    try:
        with database.reading() as connection:
            project = projects.by_slug(connection, "app")
            assert project is not None, "its DSN was made"
            return next(
                one for one in workers.list_living(connection, project.id) if one.pid == pid
            )
    finally:
        database.close()
