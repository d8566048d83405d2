"""An environment for each set of requirements, made once."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tools.accuracy.case_catalog import ROOT

ENVIRONMENTS_FOLDER = ROOT / ".accuracy" / "venvs"
PYTHON_VERSION = "3.11"
LOCAL_UV = ROOT / ".tools" / "bin" / "uv"


class EnvironmentNotBuilt(Exception):
    """An environment that cannot be made here; the text says why."""


def python_for(requirements: Path | None, *extra: str) -> str:
    """Return the interpreter of an environment with *requirements* and *extra* packages in it.

    Without requirements it is ours. Raises `EnvironmentNotBuilt`.
    """
    if requirements is None:
        return sys.executable
    text = requirements.read_bytes() + "".join(extra).encode()
    folder = ENVIRONMENTS_FOLDER / hashlib.sha256(text).hexdigest()[:12]
    python = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        _uv("venv", "--clear", "--python", PYTHON_VERSION, str(folder))
        _uv("pip", "install", "--python", str(python), "-r", str(requirements), *extra)
        (folder / ".ready").touch()
    return str(python)


def _uv(*arguments: str) -> None:
    uv = shutil.which("uv") or str(LOCAL_UV)
    command = ["nice", "-n", "19", uv, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise EnvironmentNotBuilt(lines[-1] if lines else f"uv ended with {done.returncode}")
