"""Runs the tests of the heap walker once, with Address- and UndefinedBehaviorSanitizer in it.

`python -m tools.sanitize` compiles the walker with both, lets Python take its objects from the
sanitized allocator, and puts the plain walker back in the end. A fault ends the child that walks,
and so fails its test; what it was stands in .sanitize/.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

from bugsly.heap import _walker

REPOSITORY = Path(__file__).parents[1]
LOGS = REPOSITORY / ".sanitize"
SANITIZER_FLAGS = ("-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=address,undefined")
STRICT = ("-fno-sanitize-recover=all",)
PYTEST_ARGUMENTS = ("tests/agent/heap", "-k", "not python")
"""The walker in Python has nothing to sanitize."""


def main() -> int:
    """Return 0 where no test failed and no fault was found."""
    compile_walker = runpy.run_path(str(REPOSITORY / "agent" / "walker" / "compile.py"))[
        "compile_walker"
    ]
    walker_path = Path(_walker.__file__)
    unsanitized = walker_path.read_bytes()
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir()
    try:
        if problem := compile_walker(walker_path.parent, *SANITIZER_FLAGS, *STRICT):
            print(problem)
            return 1
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *PYTEST_ARGUMENTS]
        failed = subprocess.run(command, cwd=REPOSITORY, env=_environment(), check=False).returncode
    finally:
        walker_path.unlink(missing_ok=True)
        walker_path.write_bytes(unsanitized)
    logs = sorted(LOGS.iterdir())
    for log in logs:
        print(log.read_text(encoding="utf-8"))
    return failed or len(logs)


def _environment() -> dict[str, str]:
    """Return an environment in which an unsanitized Python can load what is sanitized."""
    command = ["cc", "-print-file-name=libasan.so"]
    library = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return {
        **os.environ,
        "LD_PRELOAD": library,
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": f"detect_leaks=0:log_path={LOGS / 'address'}",
        "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={LOGS / 'behaviour'}",
    }


if __name__ == "__main__":
    sys.exit(main())
