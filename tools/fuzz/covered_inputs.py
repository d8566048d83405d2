"""Checks a target with inputs that Atheris mutates for coverage, in a process of its own.

Run as `python -m tools.fuzz.covered_inputs TARGET FLAG…`, it is that process.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tools.fuzz.corpus import CORPUS_PATH
from tools.fuzz.generated_inputs import FuzzOutcome
from tools.fuzz.targets import load_target

MAX_INPUT_BYTES = 16_384
MAX_SECONDS_PER_INPUT = 10
INSTRUMENTED = ["bugsly", "bugsly_server"]


def is_available() -> bool:
    """Return whether Atheris is installed: it has wheels for Linux only."""
    return find_spec("atheris") is not None


def check_covered(target: str, seconds: int, first_seed: int) -> FuzzOutcome:
    """Check the target called *target* for about *seconds*."""
    with tempfile.TemporaryDirectory(prefix="bugsly-fuzz-") as scratch:
        found = Path(scratch) / "found"
        found.mkdir()
        command = [sys.executable, "-m", "tools.fuzz.covered_inputs", target]
        command += [f"-max_total_time={seconds}", f"-max_len={MAX_INPUT_BYTES}"]
        command += [f"-timeout={MAX_SECONDS_PER_INPUT}", f"-seed={first_seed + 1}"]
        command += [f"-artifact_prefix={scratch}/crash-", "-print_final_stats=1"]
        command += [str(found), str(CORPUS_PATH / target)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        crashes = sorted(Path(scratch).glob("crash-*"))
        crash = crashes[0].read_bytes() if crashes else None
    return FuzzOutcome(_executed(ended.stderr), crash, _reason(ended) if ended.returncode else "")


def _executed(log: str) -> int:
    counted = re.search(r"stat::number_of_executed_units:\s*(\d+)", log)
    return int(counted[1]) if counted else 0


def _reason(ended: subprocess.CompletedProcess[str]) -> str:
    raised = re.search(
        r"Uncaught Python exception: ===\n((?:.+\n){1,3})", ended.stdout + ended.stderr
    )
    return (
        raised[1].strip()[:500]
        if raised
        else f"exit code {ended.returncode}: {ended.stderr[-300:]}"
    )


def main() -> None:
    """Fuzz one target until libFuzzer ends the process."""
    import atheris

    name, *flags = sys.argv[1:]
    with atheris.instrument_imports(include=INSTRUMENTED):
        target = load_target(name)
    atheris.Setup([sys.argv[0], *flags], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
