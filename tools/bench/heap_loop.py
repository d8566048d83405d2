"""Looks once at a heap of so many orders by one method, and prints what that costs.

`python -m tools.bench.heap_loop METHOD ORDERS` prints one JSON object: bytes, and seconds of CPU. An
order is ten objects: an instance, a list, a tuple, a dictionary, strings and numbers.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SNAPSHOTS, SNAPSHOTS_PER_PROBE = 40, 4
LATENCY_REQUESTS, REQUEST_INTERVAL_SECONDS = 4_000, 0.005
"""Seconds from one request to the next: so few that a second core is idle."""


class BenchOrder:
    """One of very many."""

    def __init__(self, number: int) -> None:
        self.number = number + 1_000
        self.lines = [f"line {number}", f"line {number + 1}"]
        self.price = number * 0.01
        self.place = {"city": (number, f"street {number}")}


def main() -> None:
    """Measure and print."""
    method, orders = sys.argv[1], int(sys.argv[2])
    if method == "tracemalloc":
        import tracemalloc

        tracemalloc.start()
    gc.disable()
    orders_held = [BenchOrder(number) for number in range(orders)]
    gc.enable()
    private_before = _private_bytes()
    result = METHODS[method](orders_held)
    print(
        json.dumps(
            {"private": private_before, "gained": _private_bytes() - private_before, **result}
        )
    )


def _measure_bugsly(_orders: list[BenchOrder]) -> dict[str, float]:
    from bugsly.heap import walker_choice
    from bugsly.heap.walk_result import decode_walk_result
    from bugsly.heap.walk_roots import walk_roots

    walker = walker_choice.CWalker()
    ours = _mappings(os.getpid())
    reading, writing = os.pipe()
    started_at = time.thread_time()
    child, forking = walker.start(writing, walk_roots([]), True, ())
    stopped = time.thread_time() - started_at
    os.close(writing)
    max_private = copied = 0
    output: list[bytes] = []
    os.set_blocking(reading, False)
    while walker.reap(child) is None:
        private = _mappings(child)
        max_private = max(max_private, sum(private.values()))
        copied = max(copied, sum(size for at, size in private.items() if at in ours))
        try:
            if max_private:
                output.append(os.read(reading, 1 << 20))
        except BlockingIOError:
            time.sleep(0.02)
    while piece := os.read(reading, 1 << 20):
        output.append(piece)
    walked = decode_walk_result(b"".join(output))
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = usage.ru_utime + usage.ru_stime
    return {
        "stopped": stopped,
        "forking": forking,
        "objects": walked.objects,
        "walking": seconds * walked.reach_seconds / walked.seconds,
        "seconds": seconds,
        "own": max_private - copied,
        "copied": copied,
    }


def _mappings(pid: int) -> dict[str, int]:
    """Return the private bytes of each mapping of a process, by its first address."""
    found: dict[str, int] = {}
    try:
        lines = Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines()
    except OSError:
        return found
    at = ""
    for line in lines:
        word, _, rest = line.partition(" ")
        if "-" in word and not word.endswith(":"):
            at = word.partition("-")[0]
        elif word == "Private_Dirty:":
            found[at] = int(rest.split()[0]) * 1024
    return found


def _measure_latency(_orders: list[BenchOrder]) -> dict[str, float]:
    """Return the time of requests, alone and while snapshots are taken one after the other."""
    from flask import Flask

    app = Flask("shop")
    app.add_url_rule("/", view_func=lambda: {"orders": 3}, endpoint="orders")
    client = app.test_client()
    gc.freeze()

    def request() -> float:
        time.sleep(REQUEST_INTERVAL_SECONDS)
        started_at = time.perf_counter()
        client.get("/").close()
        return time.perf_counter() - started_at

    latencies_alone = sorted(request() for _ in range(LATENCY_REQUESTS))
    snapshot_thread = threading.Thread(target=_take_snapshots)
    snapshot_thread.start()
    latencies_during = []
    while snapshot_thread.is_alive():
        latencies_during.append(request())
    latencies_during.sort()
    found = {
        "requests": float(len(latencies_during)),
        "longest": latencies_during[-1],
        "longest alone": latencies_alone[-1],
    }
    for share in (0.5, 0.95, 0.99):
        found[f"{share} alone"] = latencies_alone[int(len(latencies_alone) * share)]
        found[f"{share} beside"] = latencies_during[int(len(latencies_during) * share)]
    return found


def _take_snapshots() -> None:
    from bugsly.heap import snapshot, walker_choice
    from bugsly.heap.walk_roots import walk_roots

    never = threading.Event()
    earlier: tuple[bytes, ...] = ()
    for number in range(SNAPSHOTS):
        earlier = earlier if number % SNAPSHOTS_PER_PROBE else ()
        earlier = snapshot.take_snapshot(
            walker_choice.CWalker(), walk_roots([]), never.wait, earlier_results=earlier
        ).encoded_results


def _timed(action: Callable[[], object]) -> dict[str, float]:
    started_at = time.thread_time()
    action()
    seconds = time.thread_time() - started_at
    return {"stopped": seconds, "seconds": seconds}


def _measure_guppy(_orders: list[BenchOrder]) -> dict[str, float]:
    from guppy import hpy

    return _timed(lambda: str(hpy().heap()))


def _measure_pympler(_orders: list[BenchOrder]) -> dict[str, float]:
    from pympler import muppy, summary

    return _timed(lambda: summary.summarize(muppy.get_objects()))


def _measure_objgraph(_orders: list[BenchOrder]) -> dict[str, float]:
    import objgraph

    return _timed(lambda: objgraph.most_common_types(limit=20))


def _measure_tracemalloc(_orders: list[BenchOrder]) -> dict[str, float]:
    import tracemalloc

    return _timed(lambda: tracemalloc.take_snapshot().statistics("lineno"))


METHODS: dict[str, Callable[[list[BenchOrder]], dict[str, Any]]] = {
    "bugsly": _measure_bugsly,
    "beside": _measure_latency,
    "guppy3": _measure_guppy,
    "pympler": _measure_pympler,
    "objgraph": _measure_objgraph,
    "tracemalloc": _measure_tracemalloc,
}


def _private_bytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main()
