"""Numbers that no row can have, in every path and query that takes one."""

from collections.abc import Iterator

import pytest
from starlette.routing import Route
from tests.support.site_harness import SiteHarness

from bugsly_server.errors import Misconfigured
from bugsly_server.store.meta import accounts
from bugsly_server.web.mcp.caller import Caller
from bugsly_server.web.mcp.tools import call_tool
from bugsly_server.web.routes import routes

IMPOSSIBLE_NUMBERS = (str(2**63 - 1), str(2**63), str(10**30), "9" * 5_000)


def _numbered_routes() -> Iterator[tuple[str, str]]:
    for route in routes():
        if isinstance(route, Route) and ":int}" in route.path:
            for method in sorted(route.methods or ()):
                yield method, route.path.replace("{slug}", "shop")


@pytest.fixture
def token(visited: SiteHarness) -> str:
    visited.report()
    with visited.database.writing() as connection:
        owner = accounts.create(connection, "program", None, visited.clock())
        return accounts.make_token(connection, owner.id, "test", visited.clock())


@pytest.mark.parametrize(("method", "path"), list(_numbered_routes()))
def test_an_id_that_no_row_can_have_is_not_found(
    method: str, path: str, visited: SiteHarness, token: str
) -> None:
    before, _, rest = path.partition("{")
    after = rest.partition("}")[2]
    for number in IMPOSSIBLE_NUMBERS:
        answer = visited.client.request(
            method, f"{before}{number}{after}", headers={"authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 404


@pytest.mark.parametrize("number", ["0", "1", "9" * 18])
def test_an_id_that_a_row_could_have_is_looked_up(number: str, visited: SiteHarness) -> None:
    answer = visited.client.get(f"/p/shop/workers/{number}")
    assert answer.status_code == 404
    assert "his worker is no longer kept" in answer.text


@pytest.mark.parametrize("number", ["1e300", "-1e300", "1e18", "-1e18", "9" * 30, "nan", "inf"])
@pytest.mark.parametrize("name", ["span", "since", "until"])
def test_a_moment_that_no_sample_can_have_draws_an_empty_chart(
    name: str, number: str, visited: SiteHarness
) -> None:
    visited.report()
    assert visited.client.get(f"/p/shop/chart.json?{name}={number}").status_code == 200


@pytest.mark.parametrize("number", [-1, 0, 2**53 + 1, 2**63, 10**30])
def test_an_assistant_that_asks_for_an_impossible_id_is_told_so(
    number: int, visited: SiteHarness
) -> None:
    caller = Caller(server=visited.server.asgi, account=None, base_url="")  # type: ignore[arg-type]
    with pytest.raises(Misconfigured, match="id"):
        call_tool(caller, "get_issue", {"id": number})
