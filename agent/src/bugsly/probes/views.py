"""Finds the function that answers an endpoint, as `GET /items/<int:id>`, in a Flask application."""

from __future__ import annotations

from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_WRAPPERS = 20


class View(NamedTuple):
    """Where a view is defined."""

    module: str
    file: str
    line: int


def find_view(apps: Iterable[Any], endpoint: str) -> View | None:
    """Return where the view of *endpoint* is defined, None where no app of Flask's has one."""
    method, _, rule = endpoint.partition(" ")
    for app in apps:
        fields = getattr(app, "__dict__", {})
        routes, views = fields.get("url_map"), fields.get("view_functions")
        if routes is None or not isinstance(views, dict):
            continue
        for one in routes.iter_rules():
            if one.rule == rule and method in (one.methods or {method}):
                return _place(views.get(one.endpoint), method)
    return None


def _place(view: Any, method: str) -> View | None:
    """Return where *view* is defined beneath its decorators, or the method of its class."""
    for _ in range(MOST_WRAPPERS):
        fields = getattr(view, "__dict__", {})
        made_of = fields.get("view_class")
        if isinstance(made_of, type):
            view = vars(made_of).get(method.lower())
        elif "__wrapped__" in fields:
            view = fields["__wrapped__"]
        else:
            break
    code = view.__code__ if type(view) is FunctionType else None
    if type(code) is not CodeType:
        return None
    return View(str(view.__module__), code.co_filename, code.co_firstlineno)
