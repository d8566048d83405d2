"""The other versions of Python that this machine has, from pyenv or on the path."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from tests.support.prerequisites import skip_unless_ci

ROOT = Path(__file__).parents[2]
AGENT_SOURCES = ROOT / "agent/src"
SUPPORTED_VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
UNSUPPORTED_VERSIONS = ("3.9", "3.8", "3.7", "3.6", "2.7")


def python_interpreter(version: str) -> str:
    """Return the interpreter of *version*, or skip the test; CI has to have the supported ones."""
    found = _find_interpreter(version)
    if found is None and version in SUPPORTED_VERSIONS:
        skip_unless_ci(f"Python {version} is not installed → pyenv install {version}")
    if found is None:
        pytest.skip(f"Python {version} is not installed; it is not supported any more")
    return found


@cache
def _find_interpreter(version: str) -> str | None:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [str(path) for path in pyenv.glob(f"versions/{version}.*/bin/python")]
    on_path = shutil.which(f"python{version}")
    candidates += [on_path] if on_path else []
    return next((path for path in candidates if _is_version(version, path)), None)


def _is_version(version: str, path: str) -> bool:
    command = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    return (
        subprocess.run(command, capture_output=True, check=False).stdout.decode().strip() == version
    )
