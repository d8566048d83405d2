"""A real server, fuzzed over HTTP for a moment, and sent what once broke it."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from tools.fuzz.api_conformance import check_api
from tools.fuzz.http.connection import FuzzConnection
from tools.fuzz.http.fuzzed_server import FuzzedServer, fuzzed_server
from tools.fuzz.http.kept_requests import kept_requests
from tools.fuzz.http.load import FuzzedLoad

REQUESTS = 400
PATIENCE_SECONDS = 2.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FuzzedServer]:
    with fuzzed_server(tmp_path_factory.mktemp("fuzzed")) as server:
        yield server


def test_the_server_is_as_it_describes_itself(
    server: FuzzedServer, pytestconfig: pytest.Config
) -> None:
    seed = pytestconfig.getoption("randomly_seed", 0)
    checked = check_api(server, ["coverage"], max_examples=1, seed=seed)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_request_makes_the_server_fail(
    server: FuzzedServer, pytestconfig: pytest.Config
) -> None:
    kept = kept_requests(server.access)
    with closing(FuzzConnection(server.port, PATIENCE_SECONDS)) as connection:
        statuses = {name: connection.send(wire).status for name, wire in kept.items()}
    assert {name: status for name, status in statuses.items() if status >= 500} == {}
    load = FuzzedLoad(server, seed=pytestconfig.getoption("randomly_seed", 0))
    load.send(REQUESTS)
    assert load.failed == []
    assert server.digests("sent after all that was fuzzed")
    assert not server.tracebacks()
