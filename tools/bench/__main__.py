"""Runs the sections asked for and writes what they found into docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tools.bench import (
    agent,
    census,
    events,
    explain,
    forecast,
    heap,
    issues,
    overview,
    recycle,
    server,
    startup,
    throughput,
)
from tools.bench.section import Section, replace_section

PAGE_PATH = Path(__file__).parents[2] / "docs" / "benchmarks.md"
SECTIONS: dict[str, Callable[[bool], Section]] = {
    "agent": agent.measure,
    "census": census.measure,
    "heap": heap.measure,
    "startup": startup.measure,
    "throughput": throughput.measure,
    "server": server.measure,
    "events": events.measure,
    "overview": overview.measure,
    "issues": issues.measure,
    "explain": explain.measure,
    "recycle": recycle.measure,
    "forecast": forecast.measure,
}
PAGE_INTRODUCTION = """\
# Benchmarks

Made by `make bench`. Machines differ and are noisy: read ratios and differences within a table, not figures across pages.
"""


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=")
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and nothing is written")
    parser.add_argument(
        "--requests", type=int, default=recycle.REQUESTS, help="for each set-up of recycle"
    )
    chosen = parser.parse_args()
    sections = SECTIONS | {"recycle": partial(recycle.measure, requests=chosen.requests)}
    unknown = set(chosen.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no section is called {', '.join(sorted(unknown))}")
    page = PAGE_PATH.read_text(encoding="utf-8") if PAGE_PATH.exists() else PAGE_INTRODUCTION
    for name in chosen.sections or sections:
        section = sections[name](chosen.quick)
        sys.stdout.write(f"\n{section.text()}\n")
        page = replace_section(page, name, section)
        if not chosen.quick:
            PAGE_PATH.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
