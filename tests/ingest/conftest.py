from collections.abc import Iterator
from zlib import crc32

import pytest
from tests.support.running_server import RunningServer, ServedProject, running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("ingest")) as server:
        yield server


@pytest.fixture
def project(server: RunningServer, request: pytest.FixtureRequest) -> ServedProject:
    """A project of the test's own."""
    return server.project(f"p{crc32(request.node.nodeid.encode())}")
