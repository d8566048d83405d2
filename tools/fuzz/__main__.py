"""Checks each target with kept, generated and mutated inputs, and says how many there were."""

from __future__ import annotations

import argparse
import sys
import time

from tools.fuzz import covered_inputs
from tools.fuzz.corpus import corpus_files, save_crash
from tools.fuzz.generated_inputs import FuzzOutcome, check_generated
from tools.fuzz.targets import TARGET_NAMES, FuzzTarget, load_target


def main() -> int:
    """Fuzz the targets asked for; return 1 where one of them broke its law."""
    parser = argparse.ArgumentParser(prog="make fuzz ARGS=")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGET_NAMES)}; all by default")
    parser.add_argument("--seconds", type=int, default=10, help="for each target")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of a run to repeat")
    chosen = parser.parse_args()
    unknown = set(chosen.targets) - set(TARGET_NAMES)
    if unknown:
        parser.error(f"no target is called {', '.join(sorted(unknown))}")
    if not covered_inputs.is_available():
        print("fuzz: Atheris is not installed, so hypothesis has all the time")
    print(f"fuzz: {chosen.seconds} s for each target, --seed {chosen.seed}")
    names = chosen.targets or TARGET_NAMES
    failed = [name for name in names if not fuzz(load_target(name), chosen.seconds, chosen.seed)]
    return 1 if failed else 0


def fuzz(target: FuzzTarget, seconds: int, first_seed: int) -> bool:
    """Fuzz *target*, print how many inputs it was checked with, and return whether all passed."""
    shares = 2 if covered_inputs.is_available() else 1
    kept = _check_corpus(target)
    outcomes = [kept, check_generated(target, seconds / shares, first_seed)]
    if shares == 2 and not any(one.reason for one in outcomes):
        outcomes.append(covered_inputs.check_covered(target.name, seconds // 2, first_seed))
    counts = " + ".join(f"{one.inputs:,}" for one in outcomes)
    total = sum(one.inputs for one in outcomes)
    print(f"{target.name:14} {total:>10,} inputs ({counts})", flush=True)
    broken = [one for one in outcomes if one.reason]
    for outcome in broken:
        place = "" if outcome.crash is None else f" → {save_crash(target.name, outcome.crash)}"
        print(f"    {outcome.reason}{place}", flush=True)
    return not broken


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
