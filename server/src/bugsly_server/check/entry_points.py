"""Finds the functions that a framework calls for each request or task."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from bugsly_server.check.project import SourceProject
from bugsly_server.check.source_module import SourceClass, SourceFunction, SourceModule

ROUTING = frozenset(
    {"route", "get", "post", "put", "delete", "patch", "head", "options", "websocket", "api_route"}
)
HOOKS = frozenset(
    {"before_request", "after_request", "teardown_request", "teardown_appcontext"}
    | {"before_app_request", "after_app_request", "teardown_app_request", "errorhandler"}
    | {"app_errorhandler", "context_processor", "app_context_processor", "template_filter"}
    | {"app_template_filter", "template_global", "url_value_preprocessor", "user_loader"}
    | {"request_loader", "middleware", "exception_handler"}
)
TASKS = frozenset({"task", "shared_task", "periodic_task"})
VIEW_BASES = re.compile(
    r"(^|\.)(flask\.views\.(Method)?View|MethodView|View|Resource|HTTPEndpoint|ModelView|BaseView)$"
)
VIEW_METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "dispatch_request")
TASK_LIBRARIES = re.compile(r"^(celery|huey|dramatiq|rq)\b")


class EntryPoint(NamedTuple):
    """A function that a framework calls, and when."""

    function: SourceFunction
    description: str
    """`GET /orders`, `the task send_mail`, `before_request`."""


def find_entry_points(project: SourceProject) -> Iterator[EntryPoint]:
    """Yield the functions of *project* that are called for each request or task."""
    for module in project.modules:
        for function in module.functions:
            for decorator in function.node.decorator_list:
                description = _describe(decorator, function, project)
                if description is not None:
                    yield EntryPoint(function, description)
                    break
        yield from _class_views(module, project)
        yield from _added_rules(module, project)


def _describe(decorator: ast.expr, function: SourceFunction, project: SourceProject) -> str | None:
    """Return when a function with *decorator* is called, None where it registers nothing."""
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    match called:
        case ast.Attribute(attr=name) if name in ROUTING and isinstance(decorator, ast.Call):
            return _route(name, decorator)
        case ast.Attribute(attr=name) if name in HOOKS:
            return f"{name} of each request"
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in TASKS:
            found = project.resolve(called, function.module, function.outer)
            is_task = TASK_LIBRARIES.match(found) or isinstance(called, ast.Attribute)
            return f"the task {function.name}" if is_task else None
    return None


def _route(method: str, decorator: ast.Call) -> str | None:
    """Return the endpoint of a routing decorator: its first argument is a path."""
    given = [*decorator.args, *(one.value for one in decorator.keywords if one.arg == "rule")]
    match given:
        case [ast.Constant(value=str() as path), *_] if path.startswith("/") or path == "":
            methods = _methods(decorator) if method == "route" else method.upper()
            return f"{methods} {path}"
    return None


def _methods(decorator: ast.Call) -> str:
    for keyword in decorator.keywords:
        if keyword.arg == "methods" and isinstance(keyword.value, ast.List | ast.Tuple):
            values = [one.value for one in keyword.value.elts if isinstance(one, ast.Constant)]
            return "|".join(str(one) for one in values) or "GET"
    return "GET"


def _class_views(module: SourceModule, project: SourceProject) -> Iterator[EntryPoint]:
    for owner in module.classes.values():
        if _is_view(owner, module, project, 4):
            for name in VIEW_METHODS:
                if name in owner.methods:
                    yield EntryPoint(
                        owner.methods[name], f"{name.upper()} of {owner.qualified_name}"
                    )


def _is_view(owner: SourceClass, module: SourceModule, project: SourceProject, depth: int) -> bool:
    for base in owner.node.bases:
        found = project.resolve(base, module, None) or ast.unparse(base)
        if VIEW_BASES.search(found):
            return True
        known = project.class_at(found)
        if known is not None and depth and _is_view(known[1], known[0], project, depth - 1):
            return True
    return False


def _added_rules(module: SourceModule, project: SourceProject) -> Iterator[EntryPoint]:
    """Yield the functions that `add_url_rule` and its like register."""
    for scope, nodes in module.scopes:
        for node in nodes:
            match node:
                case ast.Call(func=ast.Attribute(attr="add_url_rule" | "add_api_route")):
                    rule = next((one for one in node.args if isinstance(one, ast.Constant)), None)
                    views = [*node.args[1:], *(one.value for one in node.keywords)]
                    for view in views:
                        function = project.function_at(project.resolve(view, module, scope))
                        if function is not None:
                            path = str(rule.value) if rule else function.name
                            yield EntryPoint(function, path)
