from collections.abc import Iterator

import pytest
from tests.support.serving import Project, Serving, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("ingest")) as server:
        yield server


@pytest.fixture
def project(server: Serving, request: pytest.FixtureRequest) -> Project:
    """A project of the test's own."""
    return server.project(f"p{abs(hash(request.node.nodeid))}")
