"""Build hook: compiles the heap walker, where there is a C compiler; else the wheel is pure."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
HEAP = ROOT / "src" / "bugsly" / "heap"


class WalkerHook(BuildHookInterface[Any]):
    """Runs before each build of the wheel, an editable one included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the compiled walker beside the Python that uses it, and into the wheel."""
        compiling = runpy.run_path(str(ROOT / "walker" / "compile.py"))
        problem, name = compiling["compile_walker"](HEAP), compiling["NAME"]
        if problem:
            self.app.display_warning(f"bugsly: {problem}; heaps are walked in Python, more slowly")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        if version != "editable":
            build_data["force_include"][str(HEAP / name)] = f"bugsly/heap/{name}"
