"""The description of what programs may request names all of it, and the keys of its answers."""

import json
import re
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from tests.support.site_harness import SiteHarness
from tools.golden import FOLDER

PAGES = re.compile(r"/(?:p/.*|account.*|login|logout|welcome|enter/.*)?")
"""What people request."""
GOLDEN_ITEMS = {
    "Worker": "GET /api/v1/workers",
    "Leak": "GET /api/v1/issues, leak",
    "Error": "GET /api/v1/issues, error",
    "Hindrance": "GET /api/v1/issues, net",
}


@pytest.fixture
def description(site: SiteHarness) -> Any:
    return site.client.get("/openapi.json").json()


def routes_for_programs(site: SiteHarness) -> set[tuple[str, str]]:
    """Return the path and method of each route that is no page."""
    app: Any = site.server.asgi
    while not isinstance(app, Starlette):
        app = app._app
    return {
        (re.sub(r":\w+}", "}", route.path), method)
        for route in app.routes
        if isinstance(route, Route) and not PAGES.fullmatch(route.path)
        for method in (route.methods or {"POST"}) - {"HEAD"}
    }


def test_every_route_for_programs_is_described(site: SiteHarness, description: Any) -> None:
    described = {
        (path, method.upper())
        for path, operations in description["paths"].items()
        for method in set(operations) - {"parameters"}
    }
    assert described == routes_for_programs(site)


@pytest.mark.parametrize("name", GOLDEN_ITEMS)
def test_the_keys_that_are_described_are_those_of_the_answer(name: str, description: Any) -> None:
    text = (FOLDER / "json_shapes.txt").read_text(encoding="utf-8")
    shape = text.split(f"{GOLDEN_ITEMS[name]}\n", 1)[1].split("\n\n", 1)[0]
    keys = set(re.findall(r"^ +\.\*\[\]\.(\w+)", shape, re.MULTILINE))
    schema = description["components"]["schemas"][name]
    assert set(schema["properties"]) == set(schema["required"]) == keys


def test_an_unknown_address_of_the_api_is_refused_in_json(site: SiteHarness) -> None:
    answer = site.client.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert json.loads(answer.content) == {"detail": "address: does not exist → see /openapi.json"}
