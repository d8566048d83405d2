"""Build hook: compiles the heap walker, where there is a C compiler; without it the wheel is pure.

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
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
SOURCES = ROOT / "walker"
FLAGS = ("-O2", "-std=c11", "-fPIC", "-D_GNU_SOURCE", "-fvisibility=hidden")
SHARED = ("-bundle", "-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-shared",)


class WalkerHook(BuildHookInterface[Any]):
    """Runs before each build of the wheel, an editable one included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the compiled walker beside the Python that uses it, and into the wheel."""
        name = f"_walker{sysconfig.get_config_var('EXT_SUFFIX')}"
        made = ROOT / "src" / "bugsly" / "heap" / name
        made.unlink(missing_ok=True)
        problem = compile_walker(made)
        if problem:
            self.app.display_warning(
                f"bugsly: {problem}; the heap is walked in Python, which is slower"
            )
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        if version != "editable":
            build_data["force_include"][str(made)] = f"bugsly/heap/{name}"


def compile_walker(made: Path, *more: str) -> str:
    """Compile the walker with *more* flags; return why that is not possible, nothing if it is."""
    if sys.implementation.name != "cpython" or os.name != "posix":
        return "the walker in C is for CPython on Linux and macOS"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "the walker in C needs the global interpreter lock, which this Python is without"
    compiler = _compiler()
    if not compiler:
        return "no C compiler was found"
    include = f"-I{sysconfig.get_path('include')}"
    sources = sorted(map(str, SOURCES.glob("*.c")))
    command = [*compiler, *FLAGS, *more, include, *SHARED, "-o", str(made), *sources]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        made.unlink(missing_ok=True)
        first = next((line for line in done.stderr.splitlines() if "error" in line), "no word")
        return f"the walker did not compile ({first})"
    return ""


def _compiler() -> list[str]:
    for named in (os.environ.get("CC"), sysconfig.get_config_var("CC"), "cc"):
        command = shlex.split(named or "")
        if command and shutil.which(command[0]):
            return command
        if named and named == os.environ.get("CC"):
            return []
    return []
