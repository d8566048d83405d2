"""The two wheels as a registry would get them."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.prerequisites import skip_unless_ci
from tests.support.python_versions import ROOT


@pytest.fixture(scope="session")
def uv() -> str:
    found = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    if not Path(found).exists():
        skip_unless_ci("uv is not installed → make setup")
    return found


@pytest.fixture(scope="session")
def wheels(uv: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build both wheels, each from its source distribution, as a registry would get them."""
    out = tmp_path_factory.mktemp("wheels")
    for package in ("bugsly", "bugsly-server"):
        command = [uv, "build", "--quiet", "--package", package, "--out-dir", str(out)]
        subprocess.run(command, cwd=ROOT, check=True)
    return {path.name.split("-")[0]: path for path in out.glob("*.whl")}
