"""What a pass of the census costs, on heaps of several kinds."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from tools.bench.census_loop import HEAP_DESCRIPTIONS, PASSES
from tools.bench.peer_environment import ROOT
from tools.bench.section import Section


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Make some passes over each heap, in a process of its own."""
    passes = 5 if quick else PASSES
    section = Section(
        title="The census",
        how=f"Passes over everything that can be reached from modules, {passes} on each heap, in slices as in a worker;"
        " CPU of the thread that makes them. Between two of them, a hundred requests' worth of growth. The first pass"
        " also learns what there is; the last column is what the process gained by all of them.",
        columns=(
            "heap",
            "modules",
            "pass",
            "first",
            "slice, p50",
            "p99",
            "longest",
            "levels",
            "RSS",
        ),
    )
    for name, title in HEAP_DESCRIPTIONS.items():
        section.rows.append((title, *_row(name, passes)))
    section.notes.append(
        "A worker spends 0.5 % of its time on it at a sample in 10 s, up to 10 % at one a second, and less when nothing"
        " new grows."
    )
    return section


def _row(heap: str, passes: int) -> tuple[str, ...]:
    command = [sys.executable, "-m", "tools.bench.census_loop", heap, str(passes)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    result = json.loads(done.stdout.splitlines()[-1])
    slices = sorted(result["slices"])
    return (
        f"{result['modules']}",
        f"{statistics.median(result['passes']) * 1e3:.0f} ms",
        f"{result['passes'][0] * 1e3:.0f} ms",
        f"{slices[len(slices) // 2] * 1e3:.2f} ms",
        f"{slices[int(len(slices) * 0.99)] * 1e3:.2f} ms",
        f"{slices[-1] * 1e3:.2f} ms",
        f"{result['levels'] * 1e3:.2f} ms",
        f"{result['gained'] / 1e6:+.1f} MB",
    )
