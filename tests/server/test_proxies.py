from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.support.running_server import RunningServer, running_server


def attempt(server: RunningServer, client: str) -> int:
    """Return the status of a wrong login that a proxy on this machine passes on for *client*."""
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-forwarded-for": f"203.0.113.99, {client}",
    }
    return server.send("/login", urlencode({"name": "ada", "password": "x"}), headers).status


@pytest.mark.parametrize(
    ("given", "last"), [({}, 403), ({"trusted_proxies": "192.0.2.1,10.0.0.0/8"}, 429)]
)
def test_the_address_of_a_client_is_taken_from_trusted_proxies_only(
    tmp_path: Path, given: dict[str, Any], last: int
) -> None:
    with running_server(tmp_path, **given) as server:
        statuses = [attempt(server, f"198.51.100.{number}") for number in range(11)]
    assert statuses == [403] * 10 + [last]


def test_a_client_behind_a_trusted_proxy_is_limited_by_its_own_address(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        statuses = [attempt(server, "198.51.100.7") for _ in range(11)]
    assert statuses == [403] * 10 + [429]
