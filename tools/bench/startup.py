"""How long imports and the start of the server take."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from tools.bench.peer_environment import ROOT, peer_python
from tools.bench.processes import free_port, rss, running_server
from tools.bench.section import Section

IMPORTS = ("bugsly", "sentry_sdk", "opentelemetry.sdk.trace", "ddtrace")
RUNS = 11


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Time each import in a fresh interpreter, and the server from nothing to its first answer."""
    python, runs = str(peer_python()), 3 if quick else RUNS
    section = Section(
        title="Start",
        how=f"Imports in a fresh interpreter, against one that imports nothing; the server from `bugsly serve` in an"
        f" empty folder to its first answer, and its memory ten seconds later. Medians of {runs}.",
        columns=("", "time", "memory"),
    )
    bare = statistics.median(_time_of(python, "pass") for _ in range(runs))
    for name in IMPORTS:
        took = statistics.median(_time_of(python, f"import {name}") for _ in range(runs)) - bare
        section.rows.append((f"`import {name}`", f"{took * 1000:.1f} ms", ""))
    starts = [_measure_server_start() for _ in range(2 if quick else 5)]
    section.rows.append(
        (
            "server answers, empty folder",
            f"{statistics.median(took for took, _ in starts):.2f} s",
            f"{statistics.median(size for _, size in starts) / 1e6:.0f} MB RSS idle",
        )
    )
    return section


def _time_of(python: str, code: str) -> float:
    started_at = time.perf_counter()
    subprocess.run([python, "-c", code], check=True, cwd=ROOT)
    return time.perf_counter() - started_at


def _measure_server_start() -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        started_at = time.perf_counter()
        with running_server(folder, port) as process:
            _await_answer(f"http://127.0.0.1:{port}/healthz")
            took = time.perf_counter() - started_at
            time.sleep(10)
            return took, rss(process.pid)


def _await_answer(url: str) -> None:
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).read()  # noqa: S310 - our own address
        except urllib.error.URLError:
            time.sleep(0.01)
        else:
            return


if __name__ == "__main__":
    sys.stdout.write(measure(quick=True).text())
