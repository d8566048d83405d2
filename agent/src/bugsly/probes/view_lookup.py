"""Finds the view of a Flask endpoint such as `GET /items/<int:id>`, for the reader of sources."""

from __future__ import annotations

from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_WRAPPERS = 20
FLASK_VIEWS = "flask.views"
"""The module that dispatches class-based views; it defines no view itself."""


class ViewLocation(NamedTuple):
    """Where a view is defined."""

    module: str
    file: str
    line: int


def find_view(apps: Iterable[Any], endpoint: str) -> ViewLocation | None:
    """Return where the view of *endpoint* is defined, None if no Flask app has one."""
    method, _, rule = endpoint.partition(" ")
    for app in apps:
        fields = getattr(app, "__dict__", {})
        routes, views = fields.get("url_map"), fields.get("view_functions")
        if routes is None or not isinstance(views, dict):
            continue
        for url_rule in routes.iter_rules():
            if url_rule.rule == rule and method in (url_rule.methods or {method}):
                return _locate(views.get(url_rule.endpoint), method)
    return None


def _locate(view: Any, method: str) -> ViewLocation | None:
    """Return where *view* is defined below its decorators, or the method of its class."""
    for _ in range(MAX_WRAPPERS):
        unwrapped = _unwrap(view, method)
        if unwrapped is view:
            break
        view = unwrapped
    code = view.__code__ if type(view) is FunctionType else None
    if type(code) is not CodeType:
        return None
    return ViewLocation(str(view.__module__), code.co_filename, code.co_firstlineno)


def _unwrap(view: Any, method: str) -> Any:
    """Return what *view* wraps, one step down; *view* itself if it wraps nothing."""
    if type(view) is partial:
        return view.func
    if type(view) is MethodType:
        return view.__func__
    fields = _instance_dict(view)
    view_class = fields.get("view_class")
    if isinstance(view_class, type):
        return _class_view(view_class, method)
    return fields.get("__wrapped__", view)


def _instance_dict(view: Any) -> dict[str, Any]:
    """Return the attributes of *view* without running its code."""
    try:
        fields = object.__getattribute__(view, "__dict__")
    except AttributeError:
        return {}
    return fields if type(fields) is dict else {}


def _class_view(view_class: type, method: str) -> Any:
    """Return the function of a class-based view, or of a base of it, that handles *method*."""
    for name in (method.lower(), "get" if method == "HEAD" else "", "dispatch_request"):
        for base in view_class.__mro__:
            if name in vars(base) and base.__module__ != FLASK_VIEWS:
                return vars(base)[name]
    return None
