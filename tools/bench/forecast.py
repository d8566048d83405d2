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

from bugsly.recycle.recycler import DRAIN_SECONDS
from tools.bench.forecast_run import (
    GRACEFUL_TIMEOUT_SECONDS,
    RATE_NOISE,
    BenchLab,
    ForecastOutcome,
    run_lab,
)
from tools.bench.processes import await_port, free_port, running_server
from tools.bench.section import Section

MAX_PARALLEL_LABS = 4
LAB_RUNS = (
    BenchLab("prices:app", "a list", {"/api/prices/sku-{i}": 3, "/api/currencies": 1}, 130, 19),
    BenchLab("tickets:app", "connections", {"/tickets/{i}": 1, "/queues": 4}, 40, 30),
    BenchLab("barcodes:app", "native memory", {"/barcodes/{i}": 1, "/symbologies": 1}, 60, 26),
    BenchLab("exchange:app", "a dict that doubles", {"/convert/{i}": 3, "/rates": 1}, 150, 16),
    BenchLab(
        "tools.bench.leaking_app:app",
        "0.4 MB, once in fifty requests",
        {"/": 1, "/plain": 49},
        60,
        72,
    ),
    BenchLab(
        "coupons:app",
        "one of four endpoints, whose shares change",
        {"/coupons/GUESS{i}": 2, "/coupons/WELCOME7": 1, "/campaigns": 1, "/banners/{i}": 1},
        150,
        17,
        swing=3.0,
    ),
    BenchLab(
        "uploads:app", "failures, in bursts", {"/measure/x{i}": 1, "/units": 3}, 60, 26, swing=3.0
    ),
    BenchLab(
        "prices:app",
        "a list; the rate doubles",
        {"/api/prices/sku-{i}": 3, "/api/currencies": 1},
        90,
        19,
        later=2.0,
    ),
)
QUICK_LAB_RUNS = LAB_RUNS[:2]


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Let each lab run into its limit."""
    runs = QUICK_LAB_RUNS if quick else LAB_RUNS
    section = Section(
        title="When memory runs out",
        how="Labs that leak, each with one worker in a memory cgroup and requests at a pace that wavers by"
        f" {RATE_NOISE:.0%}, until the kernel kills the worker at its limit. What was told of the time to the limit"
        " when half of the headroom was used: by the server, as the issue's page and alerts tell it, with its"
        " interval, and by the agent, which gives a lower bound; then what came. *Left* is how long before the"
        f" limit the bound fell below the {DRAIN_SECONDS + GRACEFUL_TIMEOUT_SECONDS:.0f} s that leaving may take at most; the agent says nothing"
        f" before it has looked for a minute. {MAX_PARALLEL_LABS} labs side by side.",
        columns=("", "told", "between", "truth", "error", "within", "bound", "left"),
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        _running_server(folder) as dsn,
        ThreadPoolExecutor(MAX_PARALLEL_LABS) as pool,
    ):
        outcomes = list(pool.map(partial(run_lab, Path(folder), dsn), runs))
    section.rows = [_row(lab, outcome) for lab, outcome in zip(runs, outcomes, strict=True)]
    errors = [error for outcome in outcomes if (error := _relative_error(outcome)) is not None]
    if errors:
        median = statistics.median(map(abs, errors))
        section.notes.append(
            f"Median error {median:.0%}, told in {len(errors)} of {len(runs)} runs."
        )
    return section


def _row(lab: BenchLab, outcome: ForecastOutcome) -> Sequence[str]:
    server_forecast, error = outcome.server_forecast, _relative_error(outcome)
    name = f"`{lab.target.split(':')[0].rpartition('.')[2]}`: {lab.story}"
    actual_cells = (_format_seconds(outcome.actual_seconds), "–", "–")
    forecast_cells: tuple[str, ...] = ("–", "–")
    if server_forecast is not None and error is not None:
        latest = math.inf if server_forecast.latest is None else server_forecast.latest
        within = "yes" if server_forecast.soonest <= outcome.actual_seconds <= latest else "no"
        forecast_cells = (
            _format_seconds(server_forecast.expected),
            f"{_format_seconds(server_forecast.soonest)} – {_format_seconds(server_forecast.latest)}",
        )
        actual_cells = (_format_seconds(outcome.actual_seconds), f"{error:+.0%}", within)
    return (
        name,
        *forecast_cells,
        *actual_cells,
        _format_seconds(outcome.agent_bound),
        _format_seconds(outcome.margin_seconds),
    )


def _format_seconds(amount: float | None) -> str:
    return "–" if amount is None else f"{amount:.0f} s"


def _relative_error(outcome: ForecastOutcome) -> float | None:
    return (
        None
        if outcome.server_forecast is None
        else outcome.server_forecast.expected / outcome.actual_seconds - 1
    )


@contextlib.contextmanager
def _running_server(folder: str) -> Iterator[str]:
    """Run the server; give the DSN of a project on it."""
    port = free_port()
    command = [sys.executable, "-m", "bugsly", "dsn", "app", "--data-dir", folder]
    command += ["--port", str(port)]
    dsn = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    with running_server(folder, port):
        await_port(port)
        yield dsn
