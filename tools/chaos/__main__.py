"""Runs rounds of chaos and writes what came of them into docs/security.md."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from pathlib import Path

from tools.bench.section import Section, replace_section
from tools.chaos.faults import possible_faults
from tools.chaos.rounds import Outcome, bench_of, random_faults, run_rounds

PAGE_PATH = Path(__file__).parents[2] / "docs" / "security.md"
PAGE_INTRODUCTION = "# Security\n"
ROUNDS_TO_WRITE = 100
"""Fewer say too little for the page."""


def main() -> int:
    """Run, print, write."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    chosen = parser.parse_args()
    print(f"chaos: {chosen.rounds} rounds, --seed {chosen.seed}", flush=True)
    started_at = time.monotonic()
    outcome = Outcome()
    with bench_of(chosen.seed) as bench:
        print(f"chaos: {', '.join(possible_faults(bench.disk, bench.served))}", flush=True)
        faults = random_faults(bench, chosen.rounds)
        try:
            for number, outcome in enumerate(run_rounds(bench, faults), 1):
                print(f"{number}: {faults[number - 1]}, {outcome.acknowledged:,}", flush=True)
        except AssertionError as problem:
            name = faults[outcome.rounds.total()]
            print(f"chaos: after {name}, --seed {chosen.seed}: {problem}", file=sys.stderr)
            print(bench.served.log[-5_000:], file=sys.stderr)
            return 1
    section = describe(outcome, chosen.seed, time.monotonic() - started_at)
    print(f"\n{section.text()}")
    if outcome.rounds.total() >= ROUNDS_TO_WRITE:
        write(section)
    return 0


def describe(outcome: Outcome, seed: int, seconds: float) -> Section:
    """Return the figures as the page shows them."""
    section = Section(
        title="Chaos",
        how="`make chaos`: `bugsly serve` on a small disk of its own, four clients that send events"
        " and samples until each is acknowledged, and in each round one fault. Afterwards every"
        " acknowledged record has to be stored exactly once, pages have to answer, `/readyz` has"
        " to say yes, and the log may hold no traceback.",
        columns=("", "value"),
    )
    section.rows += [(f"rounds with {name}", f"{n}") for name, n in sorted(outcome.rounds.items())]
    section.rows += [
        ("records acknowledged", f"{outcome.acknowledged:,}"),
        ("of these lost or doubled", "0"),
        ("destroyed with a damaged file", f"{outcome.destroyed:,}"),
        ("damaged files set aside", f"{outcome.set_aside:,}"),
        ("requests refused with 503, and sent again", f"{outcome.refusals:,}"),
        ("seconds", f"{seconds:,.0f}"),
        ("seed", f"{seed}"),
    ]
    return section


def write(section: Section) -> None:
    """Write the section into the page."""
    page = PAGE_PATH.read_text(encoding="utf-8") if PAGE_PATH.exists() else PAGE_INTRODUCTION
    PAGE_PATH.write_text(replace_section(page, "chaos", section), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
