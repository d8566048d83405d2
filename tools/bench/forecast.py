"""How well the time to the memory limit is foretold, when half of the way there is behind us."""

from __future__ import annotations

import contextlib
import math
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bugsly.recycle.net import DRAIN
from tools.bench.forecast_lab import GRACE, NOISE, Lab, Outcome, run
from tools.bench.report import Section
from tools.bench.running import await_port, free_port, serving

AT_ONCE = 4
RUNS = (
    Lab("prices:app", "a list", {"/api/prices/sku-{i}": 3, "/api/currencies": 1}, 130, 19),
    Lab("tickets:app", "connections", {"/tickets/{i}": 1, "/queues": 4}, 40, 30),
    Lab("barcodes:app", "native memory", {"/barcodes/{i}": 1, "/symbologies": 1}, 60, 26),
    Lab("exchange:app", "a dict that doubles", {"/convert/{i}": 3, "/rates": 1}, 150, 16),
    Lab(
        "tools.bench.swelling:app",
        "0.4 MB, once in fifty requests",
        {"/": 1, "/plain": 49},
        60,
        72,
    ),
    Lab(
        "coupons:app",
        "one of four endpoints, whose shares change",
        {"/coupons/GUESS{i}": 2, "/coupons/WELCOME7": 1, "/campaigns": 1, "/banners/{i}": 1},
        150,
        17,
        swing=3.0,
    ),
    Lab("uploads:app", "failures, in bursts", {"/measure/x{i}": 1, "/units": 3}, 60, 26, swing=3.0),
    Lab(
        "prices:app",
        "a list; the rate doubles",
        {"/api/prices/sku-{i}": 3, "/api/currencies": 1},
        90,
        19,
        later=2.0,
    ),
)
QUICK = RUNS[:2]


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Let each lab run into its limit."""
    runs = QUICK if quick else RUNS
    section = Section(
        title="When memory runs out",
        how="Labs that leak, each with one worker in a memory cgroup and requests at a pace that wavers by"
        f" {NOISE:.0%}, until the kernel kills the worker at its limit. What was told of the time to the limit"
        " when half of the headroom was used: by the server, as the issue's page and alerts tell it, with its"
        " interval, and by the agent, which gives a lower bound; then what came. *Left* is how long before the"
        f" limit the bound fell below the {DRAIN + GRACE:.0f} s that leaving may take at most; the agent says nothing"
        f" before it has looked for a minute. {AT_ONCE} labs side by side.",
        columns=("", "told", "between", "truth", "error", "within", "bound", "left"),
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        _server(folder) as dsn,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        outcomes = list(pool.map(partial(run, Path(folder), dsn), runs))
    section.rows = [_row(lab, outcome) for lab, outcome in zip(runs, outcomes, strict=True)]
    errors = [error for outcome in outcomes if (error := _error(outcome)) is not None]
    if errors:
        median = statistics.median(map(abs, errors))
        section.notes.append(
            f"Median error {median:.0%}, told in {len(errors)} of {len(runs)} runs."
        )
    return section


def _row(lab: Lab, outcome: Outcome) -> Sequence[str]:
    told, error = outcome.told, _error(outcome)
    name = f"`{lab.target.split(':')[0].rpartition('.')[2]}`: {lab.story}"
    came = (_seconds(outcome.truth), "–", "–")
    said: tuple[str, ...] = ("–", "–")
    if told is not None and error is not None:
        latest = math.inf if told.latest is None else told.latest
        within = "yes" if told.soonest <= outcome.truth <= latest else "no"
        said = (_seconds(told.expected), f"{_seconds(told.soonest)} – {_seconds(told.latest)}")
        came = (_seconds(outcome.truth), f"{error:+.0%}", within)
    return (name, *said, *came, _seconds(outcome.bound), _seconds(outcome.left))


def _seconds(amount: float | None) -> str:
    return "–" if amount is None else f"{amount:.0f} s"


def _error(outcome: Outcome) -> float | None:
    return None if outcome.told is None else outcome.told.expected / outcome.truth - 1


@contextlib.contextmanager
def _server(folder: str) -> Iterator[str]:
    """Run the server; give the DSN of a project on it."""
    port = free_port()
    command = [sys.executable, "-m", "bugsly", "dsn", "app", "--data-dir", folder]
    command += ["--port", str(port)]
    dsn = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    with serving(folder, port):
        await_port(port)
        yield dsn
