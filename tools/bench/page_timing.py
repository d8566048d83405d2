"""How long pages take to answer, over a store that was filled before."""

from __future__ import annotations

import http.client
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.bench.processes import await_port, free_port, running_server
from tools.bench.section import Section

COLUMNS = ("address", "median", "slowest", "size")


def time_pages(
    section: Section, fill: Callable[[Path], str], paths: Sequence[str], runs: int
) -> Section:
    """Add a row to *section* for each of *paths*, asked for *runs* times as a browser does.

    *fill* makes the store in a folder, and returns the secret of a session.
    """
    with tempfile.TemporaryDirectory() as folder:
        secret = fill(Path(folder))
        port = free_port()
        with running_server(folder, port):
            await_port(port)
            for path in paths:
                times, size = _request_times(port, path, f"bugsly-{port}={secret}", runs)
                section.rows.append(
                    (
                        f"`{path}`",
                        f"{statistics.median(times) * 1000:.0f} ms",
                        f"{max(times) * 1000:.0f} ms",
                        f"{size / 1000:,.0f} kB",
                    )
                )
    return section


def _request_times(port: int, path: str, cookie: str, runs: int) -> tuple[list[float], int]:
    """Return how long *path* took each of *runs* times, and its size."""
    times, size = [], 0
    for _ in range(runs):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        started_at = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": cookie})
        response = connection.getresponse()
        size = len(response.read())
        times.append(time.perf_counter() - started_at)
        assert response.status == 200, response.status
        connection.close()
    return times, size
