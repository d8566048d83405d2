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
from bugsly.probes.census.survey import SLICE

HEAPS = {
    "shop": "the shop of `make demo`",
    "large": "and a dict of 1,000,000 and 200,000 instances in a list",
    "names": "and a module with 1,000,000 names",
}
PASSES = 20
GROWTH = 100


class Instance:
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
    fill(vars(heap), sys.argv[1])
    log: list[object] = vars(heap).setdefault("log", [])
    census = Census(lambda: [app])
    gc.collect()  # which the first pass would be charged with otherwise
    before, slices, passes = _rss(), [], []
    for _ in range(int(sys.argv[2])):
        log += [{"path": "/"} for _ in range(GROWTH)]
        taken = _pass(census)
        slices += taken
        passes.append(sum(taken))
    begun = time.thread_time()
    assert any(level.holder == "heap.log" for level in census.levels())
    told = {"levels": time.thread_time() - begun, "passes": passes, "slices": slices}
    print(json.dumps({**told, "gained": _rss() - before, "modules": len(sys.modules)}))


def fill(names: dict[str, Any], heap: str) -> None:
    """Put into the *names* of a module what a *heap* is called for."""
    if heap == "large":
        names["by_number"] = {number: number for number in range(1_000_000)}
        names["instances"] = [Instance(number) for number in range(200_000)]
    elif heap == "names":
        names.update({f"name_{number}": [number] for number in range(1_000_000)})


def _pass(census: Census) -> list[float]:
    taken = []
    while True:
        begun = time.thread_time()
        ended = census.work(SLICE)
        taken.append(time.thread_time() - begun)
        if ended:
            return taken


def _rss() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main()
