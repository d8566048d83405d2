"""Runs in the app's interpreter: drives the app in this process under a profiler.

Reads a JSON object from standard input: `target`, `method` (`tracemalloc` or `memray`), `plan`,
`requests`, `folder`. Prints the line that the profiler puts on top, as `file:number`.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from typing import Any


def main() -> None:
    """Profile, print, end."""
    asked = json.load(sys.stdin)
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - runs in old environments too
    module, _, name = asked["target"].partition(":")
    client = getattr(importlib.import_module(module), name).test_client()
    number = _send(client, asked["plan"], 0, asked["requests"])
    top = {"tracemalloc": _tracemalloc, "memray": _memray}[asked["method"]]
    line = top(lambda: _send(client, asked["plan"], number, asked["requests"]), asked["folder"])
    sys.stdout.write(f"\n{line}\n")
    sys.stdout.flush()
    os._exit(0)


def _send(client: Any, plan: list[dict[str, Any]], start: int, requests: int) -> int:
    every = [one for one in plan for _ in range(one.get("weight", 1))]
    for number in range(start, start + requests):
        one = every[number % len(every)]
        body = one.get("body", "").replace("{i}", str(number))
        client.open(
            one["path"].replace("{i}", str(number)),
            method=one.get("method", "GET"),
            data=body or None,
            content_type=one.get("content_type", "application/json") if body else None,
        )
    return start + requests


def _tracemalloc(drive: Any, _folder: str) -> str:
    import tracemalloc

    tracemalloc.start()
    gc.collect()
    before = tracemalloc.take_snapshot()
    drive()
    gc.collect()
    ours = [tracemalloc.Filter(False, tracemalloc.__file__), tracemalloc.Filter(False, __file__)]
    after = tracemalloc.take_snapshot().filter_traces(ours)
    grown = after.compare_to(before.filter_traces(ours), "lineno")
    top = max(grown, key=lambda one: one.size_diff)
    return f"{top.traceback[0].filename}:{top.traceback[0].lineno}"


def _memray(drive: Any, folder: str) -> str:
    import memray

    file = os.path.join(folder, "window.bin")  # noqa: PTH118 - as above
    with memray.Tracker(file, trace_python_allocators=True):
        drive()
        gc.collect()
    with memray.FileReader(file) as reader:
        records = list(reader.get_leaked_allocation_records(merge_threads=True))
        records.sort(key=lambda one: one.size, reverse=True)
        for record in records:
            for _function, source, number in record.stack_trace():
                if source != __file__:
                    return f"{source}:{number}"
    return ""


if __name__ == "__main__":
    main()
