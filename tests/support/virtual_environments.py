"""Virtual environments that have what an application has, and no Bugsly."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.prerequisites import skip_unless_ci
from tests.support.python_versions import ROOT


def virtual_environment(folder: Path, python: str, *requirements: str) -> Path:
    """Return the `bin` of a new environment of *python* with *requirements*, or skip the test."""
    uv = shutil.which("uv") or str(ROOT / ".tools/bin/uv")
    if not Path(uv).exists():
        skip_unless_ci("uv is not installed → make setup")
    made = folder / "environment"
    subprocess.run([uv, "venv", "--quiet", "--python", python, str(made)], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(made / "bin/python")]
    # On its own, uv would look at the project around it.
    outside = {**os.environ, "UV_NO_CONFIG": "1"}
    installed = subprocess.run(
        [*install, *requirements], env=outside, capture_output=True, text=True, check=False
    )
    if installed.returncode:
        skip_unless_ci(f"uv cannot install {' '.join(requirements)}: {installed.stderr[:300]}")
    return made / "bin"
