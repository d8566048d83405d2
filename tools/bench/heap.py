"""What a look at the heap costs the worker, beside peers."""

from __future__ import annotations

import json
import subprocess

from tools.bench.heap_loop import LOOKS, PACE
from tools.bench.peers import ROOT, environment
from tools.bench.report import Section

SMALL, LARGE = 150_000, 1_000_000
PEERS = {
    "guppy3": "guppy3, `hpy().heap()`",
    "pympler": "pympler, `muppy` and `summary`",
    "objgraph": "objgraph, `most_common_types()`",
    "tracemalloc": "tracemalloc, snapshot by line",
}


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Look at a small heap by each method, and at a large one with the walker alone."""
    python = str(environment())
    section = Section(
        title="A look at the heap",
        how=f"A list of {SMALL:,} orders, or of {LARGE:,}, of some ten objects each; each look in a process"
        " of its own. *Stopped* is how long no request is served; ours is the fork alone, the walk is"
        " in the child. Times are CPU of the thread or the child that works; with no core free it waits longer.",
        columns=("", "objects", "heap", "stopped", "whole look", "memory added", "holders"),
    )
    for orders in (SMALL,) if quick else (SMALL, LARGE):
        told = _run(python, "bugsly", orders)
        section.rows.append(_ours(told))
        section.notes.append(_note(told))
    for name, title in PEERS.items():
        told = _run(python, name, SMALL)
        section.rows.append(_peer(title, told))
    section.notes.append(_beside(_run(python, "beside", SMALL)))
    return section


def _ours(told: dict[str, float]) -> tuple[str, ...]:
    return (
        "Bugsly",
        f"{told['objects'] / 1e6:.1f} M",
        f"{told['private'] / 1e6:,.0f} MB",
        f"{told['stopped'] * 1e3:.1f} ms",
        f"{told['seconds']:.2f} s",
        f"{(told['own'] + told['copied']) / 1e6:,.0f} MB, child",
        "paths, retained sizes",
    )


def _note(told: dict[str, float]) -> str:
    objects = told["objects"]
    return (
        f"{objects / 1e6:.1f} M objects: {objects / told['walking'] / 1e6:.1f} M/s walked,"
        f" {objects / told['seconds'] / 1e6:.1f} M/s with retained sizes; {told['own'] / objects:.0f} bytes of the child's"
        f" own memory per object; {told['copied'] / told['private']:.1%} of the worker's pages copied;"
        f" {told['stopped'] / told['private'] * 1e12:.1f} ms stopped per GB, {told['forking'] / told['stopped']:.0%} of it in the kernel's `clone`."
    )


def _beside(told: dict[str, float]) -> str:
    shares = ", ".join(
        f"{name} {told[f'{share} beside'] * 1e6:,.0f} µs ({told[f'{share} alone'] * 1e6:,.0f} µs before)"
        for name, share in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))
    )
    return (
        f"{told['requests']:,.0f} requests of one thread, one every {PACE * 1e3:.0f} ms, while {LOOKS} looks are taken one after"
        f" the other: {shares}; the longest {told['longest'] * 1e3:.1f} ms ({told['longest alone'] * 1e3:.1f} ms before)."
        f" The {LOOKS} forks can meet {LOOKS / told['requests']:.0%} of them, so the p99 is a fork."
    )


def _peer(title: str, told: dict[str, float]) -> tuple[str, ...]:
    return (
        title,
        "",
        f"{told['private'] / 1e6:,.0f} MB",
        f"{told['stopped'] * 1e3:,.0f} ms",
        f"{told['seconds']:.2f} s",
        f"{told['gained'] / 1e6:,.0f} MB, worker",
        "lines that allocated" if "trace" in title else "types only",
    )


def _run(python: str, method: str, orders: int) -> dict[str, float]:
    command = [python, "-m", "tools.bench.heap_loop", method, str(orders)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result
