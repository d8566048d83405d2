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
    profile_request = json.load(sys.stdin)
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - runs in old environments too
    module, _, name = profile_request["target"].partition(":")
    client = getattr(importlib.import_module(module), name).test_client()
    number = _send_requests(client, profile_request["plan"], 0, profile_request["requests"])
    top = {"tracemalloc": _top_tracemalloc_line, "memray": _top_memray_line}[
        profile_request["method"]
    ]
    line = top(
        lambda: _send_requests(
            client, profile_request["plan"], number, profile_request["requests"]
        ),
        profile_request["folder"],
    )
    sys.stdout.write(f"\n{line}\n")
    sys.stdout.flush()
    os._exit(0)


def _send_requests(client: Any, plan: list[dict[str, Any]], start: int, requests: int) -> int:
    weighted_endpoints = [one for one in plan for _ in range(one.get("weight", 1))]
    for number in range(start, start + requests):
        endpoint = weighted_endpoints[number % len(weighted_endpoints)]
        body = endpoint.get("body", "").replace("{i}", str(number))
        client.open(
            endpoint["path"].replace("{i}", str(number)),
            method=endpoint.get("method", "GET"),
            data=body or None,
            content_type=endpoint.get("content_type", "application/json") if body else None,
        )
    return start + requests


def _top_tracemalloc_line(drive: Any, _folder: str) -> str:
    import tracemalloc

    tracemalloc.start()
    gc.collect()
    before = tracemalloc.take_snapshot()
    drive()
    gc.collect()
    ours = [tracemalloc.Filter(False, tracemalloc.__file__), tracemalloc.Filter(False, __file__)]
    after = tracemalloc.take_snapshot().filter_traces(ours)
    grown = after.compare_to(before.filter_traces(ours), "lineno")
    top = max(grown, key=lambda statistic: statistic.size_diff)
    return f"{top.traceback[0].filename}:{top.traceback[0].lineno}"


def _top_memray_line(drive: Any, folder: str) -> str:
    import memray

    file = os.path.join(folder, "window.bin")  # noqa: PTH118 - as above
    with memray.Tracker(file, trace_python_allocators=True):
        drive()
        gc.collect()
    with memray.FileReader(file) as reader:
        records = list(reader.get_leaked_allocation_records(merge_threads=True))
        records.sort(key=lambda record: record.size, reverse=True)
        for record in records:
            for _function, source, number in record.stack_trace():
                if source != __file__:
                    return f"{source}:{number}"
    return ""


if __name__ == "__main__":
    main()
