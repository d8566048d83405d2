"""What a look at the heap costs the worker, beside peers."""

from __future__ import annotations

import json
import subprocess

from tools.bench.heap_loop import REQUEST_INTERVAL_SECONDS, SNAPSHOTS
from tools.bench.peer_environment import ROOT, peer_python
from tools.bench.section import Section

SMALL_HEAP_ORDERS, LARGE_HEAP_ORDERS = 150_000, 1_000_000
PEERS = {
    "guppy3": "guppy3, `hpy().heap()`",
    "pympler": "pympler, `muppy` and `summary`",
    "objgraph": "objgraph, `most_common_types()`",
    "tracemalloc": "tracemalloc, snapshot by line",
}


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Look at a small heap by each method, and at a large one with the walker alone."""
    python = str(peer_python())
    section = Section(
        title="A look at the heap",
        how=f"A list of {SMALL_HEAP_ORDERS:,} orders, or of {LARGE_HEAP_ORDERS:,}, of some ten objects each; each look in a process"
        " of its own. *Stopped* is how long no request is served; ours is the fork alone, the walk is"
        " in the child. Times are CPU of the thread or the child that works; with no core free it waits longer.",
        columns=("", "objects", "heap", "stopped", "whole look", "memory added", "holders"),
    )
    for orders in (SMALL_HEAP_ORDERS,) if quick else (SMALL_HEAP_ORDERS, LARGE_HEAP_ORDERS):
        result = _run(python, "bugsly", orders)
        section.rows.append(_bugsly_row(result))
        section.notes.append(_bugsly_note(result))
    for name, title in PEERS.items():
        result = _run(python, name, SMALL_HEAP_ORDERS)
        section.rows.append(_peer_row(title, result))
    section.notes.append(_latency_note(_run(python, "beside", SMALL_HEAP_ORDERS)))
    return section


def _bugsly_row(result: dict[str, float]) -> tuple[str, ...]:
    return (
        "Bugsly",
        f"{result['objects'] / 1e6:.1f} M",
        f"{result['private'] / 1e6:,.0f} MB",
        f"{result['stopped'] * 1e3:.1f} ms",
        f"{result['seconds']:.2f} s",
        f"{(result['own'] + result['copied']) / 1e6:,.0f} MB, child",
        "paths, retained sizes",
    )


def _bugsly_note(result: dict[str, float]) -> str:
    objects = result["objects"]
    return (
        f"{objects / 1e6:.1f} M objects: {objects / result['walking'] / 1e6:.1f} M/s walked,"
        f" {objects / result['seconds'] / 1e6:.1f} M/s with retained sizes; {result['own'] / objects:.0f} bytes of the child's"
        f" own memory per object; {result['copied'] / result['private']:.1%} of the worker's pages copied;"
        f" {result['stopped'] / result['private'] * 1e12:.1f} ms stopped per GB, {result['forking'] / result['stopped']:.0%} of it in the kernel's `clone`."
    )


def _latency_note(result: dict[str, float]) -> str:
    shares = ", ".join(
        f"{name} {result[f'{share} beside'] * 1e6:,.0f} µs ({result[f'{share} alone'] * 1e6:,.0f} µs before)"
        for name, share in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))
    )
    return (
        f"{result['requests']:,.0f} requests of one thread, one every {REQUEST_INTERVAL_SECONDS * 1e3:.0f} ms, while {SNAPSHOTS} looks are taken one after"
        f" the other: {shares}; the longest {result['longest'] * 1e3:.1f} ms ({result['longest alone'] * 1e3:.1f} ms before)."
        f" The {SNAPSHOTS} forks can meet {SNAPSHOTS / result['requests']:.0%} of them, so the p99 is a fork."
    )


def _peer_row(title: str, result: dict[str, float]) -> tuple[str, ...]:
    return (
        title,
        "",
        f"{result['private'] / 1e6:,.0f} MB",
        f"{result['stopped'] * 1e3:,.0f} ms",
        f"{result['seconds']:.2f} s",
        f"{result['gained'] / 1e6:,.0f} MB, worker",
        "lines that allocated" if "trace" in title else "types only",
    )


def _run(python: str, method: str, orders: int) -> dict[str, float]:
    command = [python, "-m", "tools.bench.heap_loop", method, str(orders)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result
