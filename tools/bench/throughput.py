"""What a real Gunicorn delivers, and what its worker weighs, with and without each peer."""

from __future__ import annotations

import re
import statistics
import subprocess

from tools.bench.app_variants import VARIANT_TITLES, VARIANTS
from tools.bench.peer_environment import peer_python, running_sink
from tools.bench.processes import free_port, rss, running_gunicorn, workers_of, wrk
from tools.bench.section import Section

BUGSLY_ROUNDS, PEER_ROUNDS = 9, 3
"""Ours is told from 1 %, a peer from 10 %."""
LOAD_SECONDS = 4
WARM_UP_SECONDS = 1


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Load one sync worker with wrk, the variants in turn, each against the bare run before it."""
    python = str(peer_python())
    chosen = [name for name in VARIANTS if name != "bare"]
    rounds = dict.fromkeys(chosen, 2 if quick else PEER_ROUNDS)
    rounds["bugsly"] = 2 if quick else BUGSLY_ROUNDS
    ratios: dict[str, list[float]] = {name: [] for name in chosen}
    sizes: dict[str, list[float]] = {name: [] for name in VARIANTS}
    with running_sink() as address:
        for index in range(max(rounds.values())):
            for name in (one for one in chosen if index < rounds[one]):
                pair = ["bare", name] if index % 2 else [name, "bare"]
                speed = {}
                for variant in pair:
                    speed[variant], size = _measure_load(python, variant, address)
                    sizes[variant].append(size)
                ratios[name].append(speed[name] / speed["bare"])
    bare = statistics.median(sizes["bare"])
    section = Section(
        title="Gunicorn, with and without",
        how=f"One sync worker under `wrk -t1 -c4` for {LOAD_SECONDS} s, {rounds['bugsly']} pairs of a bare run and one with"
        f" Bugsly, {min(rounds.values())} pairs for each peer, in alternating order. Throughput is the median of the pairs' ratios with their quartiles; memory is"
        " the worker's RSS after the load, against the bare worker's.",
        columns=("", "throughput / bare", "quartiles", "worker RSS added"),
    )
    for name in chosen:
        low, middle, high = statistics.quantiles(ratios[name], n=4, method="inclusive")
        added = statistics.median(sizes[name]) - bare
        section.rows.append(
            (
                VARIANT_TITLES[name],
                f"{middle:.3f}",
                f"{low:.3f} – {high:.3f}",
                f"{added / 1e6:+.1f} MB",
            )
        )
    return section


def _measure_load(python: str, variant: str, address: str) -> tuple[float, float]:
    """Return requests per second, and the worker's memory afterwards."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/items/7"
    with running_gunicorn(python, variant, address, port, "-w", "1") as master:
        subprocess.run(
            [wrk(), "-t1", "-c4", f"-d{WARM_UP_SECONDS}", url], check=True, capture_output=True
        )
        done = subprocess.run(
            [wrk(), "-t1", "-c4", f"-d{LOAD_SECONDS}", url],
            check=True,
            capture_output=True,
            text=True,
        )
        (worker,) = workers_of(master.pid)
        size = rss(worker)
    match = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert match is not None, done.stdout
    return float(match[1]), size
