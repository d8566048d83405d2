"""Checks each target with kept, generated and mutated inputs, and says how many there were."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence

from tools.bench.section import Section
from tools.fuzz import covered_inputs
from tools.fuzz.corpus import corpus_files, save_crash
from tools.fuzz.generated_inputs import FuzzOutcome, check_generated
from tools.fuzz.security_page import write_section
from tools.fuzz.targets import TARGET_NAMES, FuzzTarget, load_target


def main() -> int:
    """Fuzz the targets asked for; return 1 where one of them broke its law."""
    parser = argparse.ArgumentParser(prog="make fuzz ARGS=")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGET_NAMES)}; all by default")
    parser.add_argument("--seconds", type=int, default=10, help="for each target")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of a run to repeat")
    parser.add_argument("--write", action="store_true", help="the counts, into docs/security.md")
    chosen = parser.parse_args()
    unknown = set(chosen.targets) - set(TARGET_NAMES)
    if unknown:
        parser.error(f"no target is called {', '.join(sorted(unknown))}")
    if not covered_inputs.is_available():
        print("fuzz: Atheris is not installed, so hypothesis has all the time")
    print(f"fuzz: {chosen.seconds} s for each target, --seed {chosen.seed}")
    outcomes = {
        name: fuzz(load_target(name), chosen.seconds, chosen.seed)
        for name in chosen.targets or TARGET_NAMES
    }
    if chosen.write:
        write_section("inputs", counts_section(outcomes, chosen.seconds, chosen.seed))
    return 1 if any(one.reason for several in outcomes.values() for one in several) else 0


def fuzz(target: FuzzTarget, seconds: int, first_seed: int) -> list[FuzzOutcome]:
    """Fuzz *target*, and print what came of its kept, its generated and its mutated inputs."""
    shares = 2 if covered_inputs.is_available() else 1
    outcomes = [_check_corpus(target), check_generated(target, seconds / shares, first_seed)]
    if shares == 2 and not any(one.reason for one in outcomes):
        outcomes.append(covered_inputs.check_covered(target.name, seconds // 2, first_seed))
    counts = " + ".join(f"{one.inputs:,}" for one in outcomes)
    print(f"{target.name:14} {sum(one.inputs for one in outcomes):>10,} inputs ({counts})")
    for outcome in outcomes:
        if outcome.crash is not None:
            print(f"    {outcome.reason} → {save_crash(target.name, outcome.crash)}")
        elif outcome.reason:
            print(f"    {outcome.reason}")
    return outcomes


def counts_section(
    outcomes: Mapping[str, Sequence[FuzzOutcome]], seconds: int, first_seed: int
) -> Section:
    """Return a table of how many inputs each target was checked with."""
    rows: list[Sequence[str]] = []
    for name, several in outcomes.items():
        counts = [f"{one.inputs:,}" for one in several] + ["–"] * (3 - len(several))
        law = "broken" if any(one.reason for one in several) else "holds"
        rows.append((f"`{name}`", *counts, law))
    total = sum(one.inputs for several in outcomes.values() for one in several)
    return Section(
        title="Inputs so far",
        how=f"`make fuzz SECONDS={seconds}`: {total:,} inputs; seed {first_seed}.",
        columns=("target", "kept", "generated", "mutated", "law"),
        rows=rows,
    )


def _check_corpus(target: FuzzTarget) -> FuzzOutcome:
    """Check *target* with what the tree keeps of it."""
    inputs = [path.read_bytes() for path in corpus_files(target.name)]
    for data in inputs:
        try:
            target.check(data)
        except Exception as error:  # noqa: BLE001 - any exception breaks a law
            return FuzzOutcome(len(inputs), data, f"{type(error).__name__}: {error}"[:500])
    return FuzzOutcome(len(inputs))


if __name__ == "__main__":
    sys.exit(main())
