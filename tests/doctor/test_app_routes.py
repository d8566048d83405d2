"""Requests that follow from the routes of an app."""

import pytest

from bugsly_server.doctor.app_routes import path_for_route, plan_for_routes
from bugsly_server.errors import Misconfigured


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("/", "/"),
        ("/items/<int:id>", "/items/{i}"),
        ("/items/<int(min=1):id>", "/items/{i}"),
        ("/rates/<float:rate>", "/rates/{i}.5"),
        ("/users/<name>", "/users/item-{i}"),
        ("/users/<string:name>", "/users/item-{i}"),
        ("/users/<string(minlength=2):name>", "/users/item-{i}"),
        ("/langs/<string(length=2):code>", "/langs/xx"),
        ("/files/<path:file>", "/files/folder/item-{i}"),
        ("/things/<uuid:id>", "/things/0192d2a0-0000-7000-8000-000000000001"),
        ("/in/<any(list, table):kind>", "/in/list"),
        ("/a/<int:a>/b/<b>", "/a/{i}/b/item-{i}"),
        ("/own/<money:amount>", None),
        ("/static/<path:filename>", None),
        ("/straße", None),
    ],
)
def test_a_route_is_filled_in(rule: str, path: str | None) -> None:
    assert path_for_route(rule) == path


def test_what_is_no_get_is_left_alone() -> None:
    plan = plan_for_routes([("/a", ["GET", "HEAD"]), ("/b", ["POST"])], "shop:app")
    assert [(one.method, one.path) for one in plan.endpoints] == [("GET", "/a")]


@pytest.mark.parametrize(
    ("routes", "says"),
    [
        ([("/b", ["POST"])], "shop:app: has no GET route to drive → "),
        ([("/own/<money:amount>", ["GET"])], "shop:app: has no GET route to drive → "),
        ([], "shop:app: has no GET route to drive → "),
        (None, "shop:app: is no Flask app"),
    ],
)
def test_an_app_without_a_route_to_drive_is_refused(
    routes: list[tuple[str, list[str]]] | None, says: str
) -> None:
    with pytest.raises(Misconfigured, match=says):
        plan_for_routes(routes, "shop:app")
