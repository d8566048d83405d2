"""Where the view of an endpoint is defined."""

from collections.abc import Callable
from functools import lru_cache, partial, wraps
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue
from flask.views import MethodView, View

from bugsly.probes.view_lookup import MAX_WRAPPERS, find_view


def logged(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def inner(*args: Any) -> Any:
        return view(*args)

    return inner


def line_of(function: Any) -> int:
    code = function.__code__
    assert isinstance(code.co_firstlineno, int)
    return code.co_firstlineno


def plain(number: int = 0) -> str:
    return str(number)


def other() -> str:
    return "other"


class Orders(MethodView):
    def get(self) -> str:
        return "all"

    def post(self) -> str:
        return "made"


class PageView(View):
    def dispatch_request(self) -> ResponseReturnValue:
        return "page"


class ProtectedView(PageView):
    """Inherits its view."""


class Derived(Orders):
    """Inherits its methods."""


@pytest.fixture
def app() -> Flask:
    made = Flask("shop")
    made.add_url_rule("/", view_func=plain)
    made.add_url_rule("/items/<int:number>", "items", logged(logged(plain)), methods=["POST"])
    made.add_url_rule("/items/<int:number>", "other", other)
    made.add_url_rule("/orders", view_func=Orders.as_view("orders"))
    made.add_url_rule("/guarded", view_func=logged(Orders.as_view("guarded")))
    made.add_url_rule("/derived", view_func=Derived.as_view("derived"))
    made.add_url_rule("/page", view_func=PageView.as_view("page"))
    made.add_url_rule("/careful", view_func=ProtectedView.as_view("careful"))
    made.add_url_rule("/partial", "partial", partial(plain, 3))
    made.add_url_rule("/bound", "bound", Orders().get)
    made.add_url_rule("/kept", "kept", lru_cache(4)(plain))
    made.add_url_rule("/nothing", "nothing")
    blueprint = Blueprint("admin", "shop.admin", url_prefix="/admin")
    blueprint.add_url_rule("/users", view_func=other)
    made.register_blueprint(blueprint)
    return made


@pytest.mark.parametrize(
    ("endpoint", "function"),
    [
        ("GET /", plain),
        ("POST /items/<int:number>", plain),
        ("GET /items/<int:number>", other),
        ("GET /admin/users", other),
        ("GET /orders", Orders.get),
        ("POST /orders", Orders.post),
        ("POST /guarded", Orders.post),
        ("GET /derived", Orders.get),
        ("HEAD /orders", Orders.get),
        ("GET /page", PageView.dispatch_request),
        ("GET /careful", PageView.dispatch_request),
        ("GET /partial", plain),
        ("GET /bound", Orders.get),
        ("GET /kept", plain),
    ],
)
def test_a_view_is_found_below_its_wrappers(app: Flask, endpoint: str, function: Any) -> None:
    found = find_view([app], endpoint)
    assert found == (__name__, __file__, line_of(function))


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "GET",
        "GET /missing",
        "DELETE /orders",
        "OPTIONS /orders",
        "GET /nothing",
        "/orders",
        "GET /item",
    ],
)
def test_an_endpoint_without_a_rule_has_no_view(app: Flask, endpoint: str) -> None:
    assert find_view([app], endpoint) is None


def test_the_app_that_answers_is_found_among_others(app: Flask) -> None:
    found = find_view([object(), Flask("empty"), app], "GET /")
    assert found is not None
    assert found.line == line_of(plain)


def test_a_view_that_wraps_itself_is_found(app: Flask) -> None:
    def endless() -> str:
        return ""

    endless.__wrapped__ = endless  # type: ignore[attr-defined]
    app.add_url_rule("/endless", view_func=endless)
    assert find_view([app], "GET /endless") == (__name__, __file__, line_of(endless))


def test_a_view_below_many_decorators_is_found(app: Flask) -> None:
    view: Callable[..., Any] = other
    for _ in range(MAX_WRAPPERS - 1):
        view = logged(view)
    app.add_url_rule("/deep", "deep", view)
    found = find_view([app], "GET /deep")
    assert found is not None
    assert found.line == line_of(other)


class EagerProxy:
    """A view that counts how often one of its attributes is read."""

    evaluated = 0

    def __getattr__(self, name: str) -> Any:
        EagerProxy.evaluated += 1
        raise AttributeError(name)

    def __call__(self) -> str:
        return ""


def test_an_object_that_is_a_view_runs_no_code(app: Flask) -> None:
    app.view_functions["sly"] = EagerProxy()
    app.add_url_rule("/sly", "sly")
    before = EagerProxy.evaluated
    find_view([app], "GET /sly")
    assert EagerProxy.evaluated == before
