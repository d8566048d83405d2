"""Compiles the walker for the Python that runs this: `python compile.py FOLDER [FLAG …]`.

The compiler is `CC`, else the one this Python was made with, else `cc`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

SOURCES = Path(__file__).parent
FLAGS = ("-O2", "-std=c11", "-fPIC", "-D_GNU_SOURCE", "-fvisibility=hidden")
SHARED = ("-bundle", "-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-shared",)
NAME = f"_walker{sysconfig.get_config_var('EXT_SUFFIX')}"


def compile_walker(folder: Path, *more: str) -> str:
    """Put the walker into *folder*, compiled with *more* flags; return why that cannot be done."""
    made = folder / NAME
    made.unlink(missing_ok=True)
    if sys.implementation.name != "cpython" or os.name != "posix":
        return "the walker in C is for CPython on Linux and macOS"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "the walker in C needs the global interpreter lock, which this Python is without"
    compiler = _compiler()
    if not compiler:
        return "no C compiler was found"
    include = ("-isystem", sysconfig.get_path("include"))
    sources = sorted(map(str, SOURCES.glob("*.c")))
    command = [*compiler, *FLAGS, *more, *include, *SHARED, "-o", str(made), *sources]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if not done.returncode:
        return ""
    made.unlink(missing_ok=True)
    first = next((line for line in done.stderr.splitlines() if "error" in line), "no word")
    return f"the walker did not compile ({first})"


def _compiler() -> list[str]:
    """Return the command of the compiler; nothing where there is none, or not the one wanted."""
    wanted = os.environ.get("CC")
    for named in (wanted,) if wanted else (sysconfig.get_config_var("CC"), "cc"):
        command = shlex.split(named or "")
        if command and shutil.which(command[0]):
            return command
    return []


if __name__ == "__main__":
    sys.exit(compile_walker(Path(sys.argv[1]), *sys.argv[2:]) or 0)
