"""Makes passes of the census over one heap in this process, and prints what they cost.

`python -m tools.bench.census_loop HEAP PASSES` prints one JSON object, seconds of CPU and bytes.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from bugsly.probes.census import Census
from bugsly.probes.census.census_schedule import SLICE_SECONDS

HEAP_DESCRIPTIONS = {
    "shop": "the shop of `make demo`",
    "large": "and a dict of 1,000,000 and 200,000 instances in a list",
    "names": "and a module with 1,000,000 names",
}
PASSES = 20
ENTRIES_PER_PASS = 100


class SampleInstance:
    """One of very many."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.tags = [number]


def main() -> None:
    """Measure and print."""
    from bugsly_server.demo.shop import app

    heap = ModuleType("heap")
    heap.__file__ = "/srv/app/heap.py"
    sys.modules["heap"] = heap
    fill_heap(vars(heap), sys.argv[1])
    log: list[object] = vars(heap).setdefault("log", [])
    census = Census(lambda: [app])
    gc.collect()  # which the first pass would be charged with otherwise
    before, slices, passes = _rss(), [], []
    for _ in range(int(sys.argv[2])):
        log += [{"path": "/"} for _ in range(ENTRIES_PER_PASS)]
        slice_seconds = _time_pass(census)
        slices += slice_seconds
        passes.append(sum(slice_seconds))
    started_at = time.thread_time()
    assert any(level.holder == "heap.log" for level in census.count_holders())
    result = {"levels": time.thread_time() - started_at, "passes": passes, "slices": slices}
    print(json.dumps({**result, "gained": _rss() - before, "modules": len(sys.modules)}))


def fill_heap(names: dict[str, Any], heap: str) -> None:
    """Put into the *names* of a module what a *heap* is called for."""
    if heap == "large":
        names["by_number"] = {number: number for number in range(1_000_000)}
        names["instances"] = [SampleInstance(number) for number in range(200_000)]
    elif heap == "names":
        names.update({f"name_{number}": [number] for number in range(1_000_000)})


def _time_pass(census: Census) -> list[float]:
    slice_seconds = []
    while True:
        started_at = time.thread_time()
        ended = census.work(SLICE_SECONDS)
        slice_seconds.append(time.thread_time() - started_at)
        if ended:
            return slice_seconds


def _rss() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main()
