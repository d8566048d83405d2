"""A server for SDKs to report to, and the packages of those that are not Python."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.serving import Project, Serving, serving

NPM = Path(__file__).with_name("npm")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("sdk")) as server:
        yield server


@pytest.fixture
def project(server: Serving, request: pytest.FixtureRequest) -> Project:
    return server.project(f"p{abs(hash(request.node.nodeid))}")


@pytest.fixture
def dsn(server: Serving, project: Project) -> str:
    return project.dsn(server.port)


@pytest.fixture(scope="session")
def npm() -> Path:
    """Return the folder with the npm packages, installed as its lock file says."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node is not installed → apt-get install nodejs npm")
    if not (NPM / "node_modules" / ".package-lock.json").exists():
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        installed = subprocess.run(
            command, check=False, cwd=NPM, capture_output=True, text=True, timeout=100
        )
        if installed.returncode:
            pytest.skip(f"npm cannot install the SDKs → {installed.stderr[-200:]}")
    return NPM
