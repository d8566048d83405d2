"""A real server, fuzzed over HTTP for a moment, and sent what once broke it."""

from pathlib import Path

import pytest
from tools.fuzz.http.connection import FuzzConnection
from tools.fuzz.http.fuzzed_server import fuzzed_server
from tools.fuzz.http.kept_requests import kept_requests
from tools.fuzz.http.load import FuzzedLoad

REQUESTS = 400
PATIENCE_SECONDS = 2.0


def test_whatever_is_requested_the_server_fails_at_nothing_and_goes_on(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    with fuzzed_server(tmp_path) as server:
        connection = FuzzConnection(server.port, PATIENCE_SECONDS)
        statuses = {
            name: connection.send(wire).status
            for name, wire in kept_requests(server.access).items()
        }
        assert [name for name, status in statuses.items() if status >= 500] == []
        load = FuzzedLoad(server, seed=pytestconfig.getoption("randomly_seed"))
        load.send(REQUESTS)
        assert load.failed == []
        assert server.digests("sent after all that was fuzzed")
        assert not server.tracebacks()
