"""What a real Gunicorn delivers, and what its worker weighs, with and without each peer."""

from __future__ import annotations

import re
import statistics
import subprocess

from tools.bench.peers import environment, sink
from tools.bench.report import Section
from tools.bench.running import free_port, gunicorn, rss, workers_of, wrk
from tools.bench.variants import NAMES, VARIANTS

ROUNDS, ROUNDS_OF_PEERS = 9, 3
"""Ours is told from 1 %, a peer from 10 %."""
SECONDS = 4
WARM_UP = 1


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Load one sync worker with wrk, the variants in turn, each against the bare run before it."""
    python = str(environment())
    chosen = [name for name in VARIANTS if name != "bare"]
    rounds = dict.fromkeys(chosen, 2 if quick else ROUNDS_OF_PEERS)
    rounds["bugsly"] = 2 if quick else ROUNDS
    ratios: dict[str, list[float]] = {name: [] for name in chosen}
    sizes: dict[str, list[float]] = {name: [] for name in VARIANTS}
    with sink() as address:
        for index in range(max(rounds.values())):
            for name in (one for one in chosen if index < rounds[one]):
                pair = ["bare", name] if index % 2 else [name, "bare"]
                speed = {}
                for one in pair:
                    speed[one], size = _load(python, one, address)
                    sizes[one].append(size)
                ratios[name].append(speed[name] / speed["bare"])
    bare = statistics.median(sizes["bare"])
    section = Section(
        title="Gunicorn, with and without",
        how=f"One sync worker under `wrk -t1 -c4` for {SECONDS} s, {rounds['bugsly']} pairs of a bare run and one with"
        f" Bugsly, {min(rounds.values())} pairs for each peer, in alternating order. Throughput is the median of the pairs' ratios with their quartiles; memory is"
        " the worker's RSS after the load, against the bare worker's.",
        columns=("", "throughput / bare", "quartiles", "worker RSS added"),
    )
    for name in chosen:
        low, middle, high = statistics.quantiles(ratios[name], n=4, method="inclusive")
        added = statistics.median(sizes[name]) - bare
        section.rows.append(
            (NAMES[name], f"{middle:.3f}", f"{low:.3f} – {high:.3f}", f"{added / 1e6:+.1f} MB")
        )
    return section


def _load(python: str, variant: str, address: str) -> tuple[float, float]:
    """Return requests per second, and the worker's memory afterwards."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/items/7"
    with gunicorn(python, variant, address, port, "-w", "1") as master:
        subprocess.run([wrk(), "-t1", "-c4", f"-d{WARM_UP}", url], check=True, capture_output=True)
        done = subprocess.run(
            [wrk(), "-t1", "-c4", f"-d{SECONDS}", url], check=True, capture_output=True, text=True
        )
        (worker,) = workers_of(master.pid)
        size = rss(worker)
    match = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert match is not None, done.stdout
    return float(match[1]), size
