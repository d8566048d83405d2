"""Fuzzes a server over HTTP and writes what it found into docs/security.md."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tools.bench.section import Section
from tools.fuzz.http.fuzzed_server import FuzzedServer, fuzzed_server
from tools.fuzz.http.kept_requests import keep_request
from tools.fuzz.http.load import CONNECTIONS, FuzzedLoad
from tools.fuzz.http.request import FuzzedRequest
from tools.fuzz.security_page import write_section

LOG_PATH = Path(__file__).parents[3] / ".fuzz" / "server.log"
WARM_UP = 0.2
"""Of all requests, before memory counts: caches fill, and threads start."""
MAX_GROWTH_BYTES = 50_000_000
MAX_KEPT_REQUESTS = 20


def main() -> int:
    """Fuzz, print, write; return 1 where the server failed."""
    parser = argparse.ArgumentParser(prog="make fuzz-http ARGS=")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="the table, into docs/security.md")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bugsly-fuzz-") as folder,
        fuzzed_server(Path(folder)) as server,
    ):
        section, problems = measure(server, chosen.requests, chosen.seed)
    print(f"\n{section.text()}\n")
    for problem in problems:
        print(f"fuzz: {problem}")
    if chosen.write:
        write_section("fuzz", section)
    return 1 if problems else 0


def measure(server: FuzzedServer, requests: int, seed: int) -> tuple[Section, list[str]]:
    """Return a table of what *requests* did to *server*, and what is wrong with that."""
    load, started = FuzzedLoad(server, seed), time.monotonic()
    load.send(int(requests * WARM_UP))
    warm_rss = server.rss()
    load.send(requests - int(requests * WARM_UP))
    seconds = time.monotonic() - started
    peak_growth, end_growth = load.peak_rss - warm_rss, server.rss() - warm_rss
    tracebacks = server.tracebacks()
    hanging, is_digesting = load.hanging(), server.digests("sent after all that was fuzzed")
    problems = {
        f"{len(load.failed)} answers of 500": bool(load.failed),
        f"{len(hanging)} requests take more than a second each time": bool(hanging),
        f"memory grew by {end_growth / 1e6:.0f} MB": end_growth > MAX_GROWTH_BYTES,
        f"tracebacks in the log: {dict(tracebacks)}": bool(tracebacks),
        "a good event is not digested afterwards": not is_digesting,
    }
    _keep_evidence(server, [*load.failed, *hanging])
    rows = {
        "requests": f"{len(load.seconds):,}, {len(load.seconds) / seconds:,.0f} a second",
        "answers": ", ".join(
            f"{status or 'closed'}: {count:,}" for status, count in sorted(load.statuses.items())
        ),
        "500 and tracebacks": f"{len(load.failed)} and {tracebacks.total()}",
        "answer, median, p99 and slowest": _latencies(load.seconds),
        "slower than 1 s, beside others and alone": f"{len(load.slow)} and {len(hanging)}",
        "memory after the warm-up": f"{warm_rss / 1e6:.0f} MB",
        "growth from then, at most": f"{peak_growth / 1e6:+.0f} MB",
        "growth from then, at the end": f"{end_growth / 1e6:+.0f} MB",
        "log": f"{len(server.log_text()) / 1e3:,.0f} kB",
        "a good event afterwards": "digested" if is_digesting else "not digested",
    }
    section = Section(
        title="Fuzzed over HTTP",
        how=f"`make fuzz-http` against `bugsly serve` on loopback: right requests to every endpoint, with up to three mutations each"
        f" of method, path, query, headers, encoding, body or framing, on {CONNECTIONS} connections; seed {seed}.",
        columns=("", "value"),
        rows=list(rows.items()),
    )
    return section, [problem for problem, is_true in problems.items() if is_true]


def _keep_evidence(server: FuzzedServer, requests: list[FuzzedRequest]) -> None:
    """Write the log, and add the first *requests* that went wrong to the corpus."""
    LOG_PATH.parent.mkdir(exist_ok=True)
    LOG_PATH.write_text(server.log_text(), encoding="utf-8")
    for request in requests[:MAX_KEPT_REQUESTS]:
        keep_request(request.on_wire(), server.access)


def _latencies(seconds: list[float]) -> str:
    percentiles = statistics.quantiles(seconds, n=100)
    figures = (statistics.median(seconds), percentiles[98], max(seconds))
    return ", ".join(f"{1000 * one:.1f} ms" for one in figures)


if __name__ == "__main__":
    sys.exit(main())
