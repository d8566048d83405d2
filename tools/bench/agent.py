"""What one request costs with each peer in the app: CPU, and memory of the worker."""

from __future__ import annotations

import json
import os
import statistics
import subprocess

from tools.bench.app_variants import VARIANT_TITLES, VARIANTS
from tools.bench.peer_environment import ROOT, peer_python, running_sink
from tools.bench.section import Section

REQUESTS = 20_000
ROUNDS = 7


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Run every variant in turn, round after round, and compare with the bare app of its round."""
    python = peer_python()
    rounds, requests = (2, 4_000) if quick else (ROUNDS, REQUESTS)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    with running_sink() as address:
        for _ in range(rounds):
            for name in VARIANTS:
                found[name].append(_run(str(python), name, address, requests))
    section = Section(
        title="The agent, per request",
        how=f"One JSON view called through WSGI in one process, {requests:,} requests a round, {rounds} rounds, the"
        " variants in turn. CPU counts all threads of the process; *added* is against the bare app of the same round"
        " (median of rounds). Everything of each peer is on; what it sends goes to a local sink.",
        columns=("", "CPU per request, p50", "added, p50", "added, mean", "RSS added"),
    )
    for name, runs in found.items():
        section.rows.append(_row(name, runs, found["bare"]))
    return section


def _row(name: str, runs: list[dict[str, float]], bare: list[dict[str, float]]) -> tuple[str, ...]:
    def added(field: str) -> float:
        pairs = zip(runs, bare, strict=True)
        return statistics.median(run[field] - plain[field] for run, plain in pairs)

    p50 = statistics.median(run["p50"] for run in runs)
    return (
        VARIANT_TITLES[name],
        f"{p50:.1f} µs",
        f"{added('p50'):+.1f} µs",
        f"{added('mean'):+.1f} µs",
        f"{added('rss') / 1e6:+.1f} MB",
    )


def _run(python: str, name: str, address: str, requests: int) -> dict[str, float]:
    environ = {**os.environ, "BENCH_VARIANT": name, "BENCH_SINK": address}
    command = [python, "-m", "tools.bench.wsgi_loop", str(requests)]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result
