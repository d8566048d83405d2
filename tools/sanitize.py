"""Runs the tests of the heap walker in C with Address- and UndefinedBehaviorSanitizer in it.

`make sanitize`, which CI runs, compiles the walker with both sanitizers and with every warning an
error, for this Python and for each other that the tests find. Python takes its objects from the
sanitized allocator. A fault ends the child that walks and so fails its test. The report is printed
at the end and stays in .sanitize/. The plain walker is put back.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAP = ROOT / "agent" / "src" / "bugsly" / "heap"
COMPILE = ROOT / "agent" / "walker" / "compile.py"
LOGS = ROOT / ".sanitize"
COMPILER = "gcc"
WARNINGS = ("-Wall", "-Wextra", "-Werror")
"""Errors only here: a warning of a future compiler must not break an installation."""
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
FLAGS = (*WARNINGS, *SANITIZERS, "-O1", "-g", "-fno-omit-frame-pointer")
TESTS = ("tests/agent/heap", "-k", "not python", "-n", "2")
"""The walker in Python has nothing to sanitize."""


def main() -> int:
    """Return 0 if no test failed and no fault was found."""
    library = _sanitizer()
    if library is None:
        print(f"sanitize: {COMPILER} has no libasan.so → apt-get install {COMPILER} libc6-dev")
        return 1
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir()
    plain = {path: path.read_bytes() for path in _compiled()}
    try:
        failed = _test(library)
    finally:
        for path in _compiled():
            path.unlink()
        for path, content in plain.items():
            path.write_bytes(content)
    logs = sorted(LOGS.iterdir())
    for log in logs:
        print(log.read_text(encoding="utf-8"))
    return failed or len(logs)


def _compiled() -> list[Path]:
    return list(HEAP.glob("_walker.*.so"))


def _sanitizer() -> Path | None:
    """Return the runtime library of the compiler's AddressSanitizer; None if it has none."""
    if not shutil.which(COMPILER):
        return None
    ask = [COMPILER, "-print-file-name=libasan.so"]
    found = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    return Path(found) if Path(found).is_absolute() else None


def _test(library: Path) -> int:
    """Compile the walker and run its tests; return 0 if both worked."""
    environment = {**os.environ, "CC": COMPILER, "CFLAGS": shlex.join(FLAGS)}
    compiling = [sys.executable, str(COMPILE), str(HEAP), *FLAGS]
    if failed := subprocess.run(compiling, env=environment, check=False).returncode:
        return failed
    environment |= {
        "LD_PRELOAD": str(library),
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": f"detect_leaks=0:log_path={LOGS / 'address'}",
        "UBSAN_OPTIONS": f"print_stacktrace=1:log_path={LOGS / 'behaviour'}",
    }
    command = [sys.executable, "-m", "pytest", "-q", *TESTS]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
