"""A server for SDKs to report to, and the packages of those that are not Python."""

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest
from tests.support.prerequisites import skip_unless_ci
from tests.support.running_server import RunningServer, ServedProject, running_server

NPM = Path(__file__).with_name("npm")
LOCK = NPM / "package-lock.json"
INSTALLED = NPM / "node_modules" / ".package-lock.json"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("sdk")) as server:
        yield server


@pytest.fixture
def project(server: RunningServer, request: pytest.FixtureRequest) -> ServedProject:
    return server.project(f"p{crc32(request.node.nodeid.encode())}")


@pytest.fixture
def dsn(server: RunningServer, project: ServedProject) -> str:
    return project.dsn(server.port)


@pytest.fixture(scope="session")
def npm() -> Path:
    """Return the folder with the npm packages, installed as its lock file says."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        skip_unless_ci("node is not installed → apt-get install nodejs npm")
    with LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not INSTALLED.exists() or INSTALLED.stat().st_mtime < LOCK.stat().st_mtime:
            _install()
    return NPM


def _install() -> None:
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    installed = subprocess.run(
        command, check=False, cwd=NPM, capture_output=True, text=True, timeout=100
    )
    if installed.returncode:
        skip_unless_ci(f"npm cannot install the SDKs: {installed.stderr[-200:]}")
