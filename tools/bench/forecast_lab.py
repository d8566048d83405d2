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

from bugsly.probes.limit import read_headroom
from bugsly.probes.process import parse_status
from bugsly.recycle.forecast import EVERY, MOST, Outlook, Reading, look_ahead
from bugsly.recycle.net import DRAIN
from bugsly_server.detect.finding import surely_grows
from bugsly_server.detect.forecast import forecast
from bugsly_server.doctor.drive import Driver
from bugsly_server.doctor.plan import Endpoint, Plan
from bugsly_server.model.issue import Forecast
from bugsly_server.model.worker import Worker
from bugsly_server.store.meta import projects, workers
from bugsly_server.store.meta.database import Database
from tools.bench.memory_limit import memory_cgroup, through_the_eyes_of
from tools.bench.peers import ROOT
from tools.bench.running import await_port, free_port, running, workers_of

LONGEST = 300.0
"""Seconds after which a run is given up."""
NOISE = 0.3
"""By which share the pace goes up and down from second to second."""
GRACE = 30.0
"""Gunicorn's own graceful timeout."""
HALF = 0.5
CHANGES = 0.25
"""The share of the headroom after which the rate changes, where it does."""
LOOK_EVERY = 0.2
WARM = 15.0
"""Seconds of requests before the start is noted: what is loaded by then is no leak."""
LABS = ROOT / "labs"
ENDLESS = 10_000_000


class Lab(NamedTuple):
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


class Outcome(NamedTuple):
    """What was said when half of the headroom was used, and what came; times are seconds."""

    told: Forecast | None
    """By the server."""
    bound: float | None
    """By the agent."""
    truth: float
    left: float | None
    """Before the limit, when the bound told the agent to leave."""


def run(folder: Path, dsn: str, lab: Lab) -> Outcome:
    """Start *lab*, drive it, and look on until it is killed."""
    port = free_port()
    served = [sys.executable, "-m", "gunicorn", lab.target, "-b", f"127.0.0.1:{port}"]
    command = [sys.executable, "-m", "bugsly", "run", "--", *served, *lab.options]
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "BUGSLY_DSN": dsn,
        "BUGSLY_ENVIRONMENT": f"{port}",
        "BUGSLY_SAMPLE_EVERY": "1",
        "BENCH_SWELL": "400000",
    }
    with memory_cgroup() as cgroup, running(cgroup.inside(command), environ, LABS) as process:
        await_port(port)
        driver = Driver(port, _plan(lab), 1 / lab.rate)
        driver.start()
        try:
            worker = _warm_worker(process.pid, driver)
            with through_the_eyes_of(worker) as root:
                start = read_headroom(root).used
                cgroup.limit_to(start + lab.megabytes * 1_000_000)
                return _watch(root, start, driver, lab, partial(_known, folder, worker))
        finally:
            driver.stop()


def _plan(lab: Lab) -> Plan:
    endpoints = tuple(Endpoint(path=path, weight=weight) for path, weight in lab.paths.items())
    return Plan(endpoints=endpoints, requests=ENDLESS, swing=lab.swing)


def _warm_worker(master: int, driver: Driver) -> int:
    """Return the process of the only worker once it is warm."""
    time.sleep(WARM)
    if not driver.tally().answered:
        sys.exit(f"bench: Gunicorn did not answer within {WARM:.0f} s: {driver.tally().problem}")
    return workers_of(master)[0]


def _watch(
    root: Path, start: int, driver: Driver, lab: Lab, known: Callable[[], Worker]
) -> Outcome:
    """Look at the worker until it is gone; when half of its headroom is used, ask what is to come."""
    net, pace = Net(root), Pace(driver, lab)
    asked_at, told, bound = 0.0, None, None
    begun = now = time.monotonic()
    while (used := net.look(now)) is not None:
        if now - begun > LONGEST:
            sys.exit(f"bench: {lab.target} did not use up its memory in {LONGEST:.0f} s")
        share = (used - start) / (lab.megabytes * 1_000_000)
        pace.waver(now, share)
        if not asked_at and share >= HALF:
            worker = known()
            asked_at, bound = now, net.outlook.seconds if net.outlook is not None else None
            told = forecast([worker]) if surely_grows(worker) else None
        time.sleep(LOOK_EVERY)
        now = time.monotonic()
    if not asked_at:
        sys.exit(f"bench: {lab.target} lost its worker before half of its memory was used")
    return Outcome(told, bound, now - asked_at, now - net.leaves_at if net.leaves_at else None)


class Net:
    """What the safety net of a worker sees and thinks, without anything coming of it."""

    def __init__(self, root: Path) -> None:
        """Look through the eyes of the worker whose root for probes is *root*."""
        self._root = root
        self._readings: deque[Reading] = deque(maxlen=MOST)
        self.outlook: Outlook | None = None
        self.leaves_at = 0.0
        """When it would have left for want of memory, 0 while it would stay."""

    def look(self, now: float) -> int | None:
        """Return the bytes that are used, None where the worker is gone."""
        private = _private(self._root)
        if not private:
            return None
        headroom = read_headroom(self._root)
        if not self._readings or now - self._readings[-1].at >= EVERY:
            self._readings.append(Reading(now, private, headroom.used))
            self.outlook = look_ahead(self._readings, headroom.limit)
            soon = self.outlook is not None and self.outlook.seconds < DRAIN + GRACE
            self.leaves_at = self.leaves_at or (now if soon else 0.0)
        return headroom.used


class Pace:
    """Lets a driver go faster and slower from second to second, the same way in each run."""

    def __init__(self, driver: Driver, lab: Lab) -> None:
        """Begin with the rate of *lab*."""
        self._driver = driver
        self._lab = lab
        self._chance = random.Random(7)  # noqa: S311 - the same noise each time is what is wanted
        self._at = 0.0

    def waver(self, now: float, share: float) -> None:
        """Change the pace if it is time to, with *share* of the headroom used."""
        if now - self._at >= 1:
            self._at = now
            rate = self._lab.rate * (self._lab.later if share >= CHANGES else 1)
            pace = self._chance.uniform(1 - NOISE, 1 + NOISE) / rate
            self._driver.go_on(self._driver.tally().limit + 1, pace)


def _private(root: Path) -> int:
    with contextlib.suppress(OSError):
        return parse_status((root / "proc/self/status").read_bytes()).anonymous
    return 0


def _known(folder: Path, pid: int) -> Worker:
    """Return what the server knows of process *pid*."""
    database = Database(folder / "meta.db")
    try:
        with database.reading() as connection:
            project = projects.by_slug(connection, "app")
            assert project is not None, "its DSN was made"
            return next(one for one in workers.living(connection, project.id) if one.pid == pid)
    finally:
        database.close()
