"""Finds the function that answers an endpoint, as `GET /items/<int:id>`, in a Flask application."""

from __future__ import annotations

from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_WRAPPERS = 20
FRAMEWORK = "flask.views"
"""Where views of classes are dispatched, which nobody means."""


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
        beneath = _beneath(view, method)
        if beneath is view:
            break
        view = beneath
    code = view.__code__ if type(view) is FunctionType else None
    if type(code) is not CodeType:
        return None
    return View(str(view.__module__), code.co_filename, code.co_firstlineno)


def _beneath(view: Any, method: str) -> Any:
    """Return what *view* calls in the end, one step down; itself where it is the end."""
    if type(view) is partial:
        return view.func
    if type(view) is MethodType:
        return view.__func__
    fields = _fields(view)
    made_of = fields.get("view_class")
    if isinstance(made_of, type):
        return _method(made_of, method)
    return fields.get("__wrapped__", view)


def _fields(view: Any) -> dict[str, Any]:
    """Return the attributes of *view* without a question to it."""
    try:
        fields = object.__getattribute__(view, "__dict__")
    except AttributeError:
        return {}
    return fields if type(fields) is dict else {}


def _method(made_of: type, method: str) -> Any:
    """Return what a class of views answers *method* with, also where a base of it does."""
    for name in (method.lower(), "get" if method == "HEAD" else "", "dispatch_request"):
        for base in made_of.__mro__:
            if name in vars(base) and base.__module__ != FRAMEWORK:
                return vars(base)[name]
    return None
