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

LOOKS, OF_ONE_PROBE = 40, 4
REQUESTS, PACE = 4_000, 0.005
"""Seconds from one request to the next: so few that a second core is idle."""


class Order:
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
    kept = [Order(number) for number in range(orders)]
    gc.enable()
    begun = _private()
    told = METHODS[method](kept)
    print(json.dumps({"private": begun, "gained": _private() - begun, **told}))


def _bugsly(_kept: list[Order]) -> dict[str, float]:
    from bugsly.heap import walkers
    from bugsly.heap.groups import read
    from bugsly.heap.roots import roots

    walker = walkers.CWalker()
    ours = _mappings(os.getpid())
    reading, writing = os.pipe()
    begun = time.thread_time()
    child, forking = walker.start(writing, roots([]), True, ())
    stopped = time.thread_time() - begun
    os.close(writing)
    most = copied = 0
    told: list[bytes] = []
    os.set_blocking(reading, False)
    while walker.reap(child) is None:
        private = _mappings(child)
        most = max(most, sum(private.values()))
        copied = max(copied, sum(size for at, size in private.items() if at in ours))
        try:
            if most:
                told.append(os.read(reading, 1 << 20))
        except BlockingIOError:
            time.sleep(0.02)
    while piece := os.read(reading, 1 << 20):
        told.append(piece)
    walked = read(b"".join(told))
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = usage.ru_utime + usage.ru_stime
    return {
        "stopped": stopped,
        "forking": forking,
        "objects": walked.objects,
        "walking": seconds * walked.walking / walked.seconds,
        "seconds": seconds,
        "own": most - copied,
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


def _beside(_kept: list[Order]) -> dict[str, float]:
    """Return the time of requests, alone and while snapshots are taken one after the other."""
    from flask import Flask

    from bugsly.heap import snapshot, walkers
    from bugsly.heap.roots import roots

    app = Flask("shop")
    app.add_url_rule("/", view_func=lambda: {"orders": 3}, endpoint="orders")
    client = app.test_client()
    gc.freeze()

    def request() -> float:
        time.sleep(PACE)
        begun = time.perf_counter()
        client.get("/").close()
        return time.perf_counter() - begun

    def look() -> None:
        earlier: tuple[bytes, ...] = ()
        for number in range(LOOKS):
            earlier = earlier if number % OF_ONE_PROBE else ()
            walker, begin = walkers.CWalker(), roots([])
            earlier = snapshot.take(walker, begin, never.wait, earlier=earlier).looks

    never = threading.Event()
    alone = sorted(request() for _ in range(REQUESTS))
    looking = threading.Thread(target=look)
    looking.start()
    beside = []
    while looking.is_alive():
        beside.append(request())
    beside.sort()
    found = {"requests": float(len(beside)), "longest": beside[-1], "longest alone": alone[-1]}
    for share in (0.5, 0.95, 0.99):
        found[f"{share} alone"] = alone[int(len(alone) * share)]
        found[f"{share} beside"] = beside[int(len(beside) * share)]
    return found


def _timed(look: Callable[[], object]) -> dict[str, float]:
    begun = time.thread_time()
    look()
    seconds = time.thread_time() - begun
    return {"stopped": seconds, "seconds": seconds}


def _guppy(_kept: list[Order]) -> dict[str, float]:
    from guppy import hpy

    return _timed(lambda: str(hpy().heap()))


def _pympler(_kept: list[Order]) -> dict[str, float]:
    from pympler import muppy, summary

    return _timed(lambda: summary.summarize(muppy.get_objects()))


def _objgraph(_kept: list[Order]) -> dict[str, float]:
    import objgraph

    return _timed(lambda: objgraph.most_common_types(limit=20))


def _tracemalloc(_kept: list[Order]) -> dict[str, float]:
    import tracemalloc

    return _timed(lambda: tracemalloc.take_snapshot().statistics("lineno"))


METHODS: dict[str, Callable[[list[Order]], dict[str, Any]]] = {
    "bugsly": _bugsly,
    "beside": _beside,
    "guppy3": _guppy,
    "pympler": _pympler,
    "objgraph": _objgraph,
    "tracemalloc": _tracemalloc,
}


def _private() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("RssAnon:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main()
