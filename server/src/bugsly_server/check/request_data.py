"""Says whether a value depends on the request, so that it may be another one each time."""

from __future__ import annotations

import ast

from bugsly_server.check.project import Project
from bugsly_server.check.source_module import SourceFunction

FEW_VALUED = frozenset({"endpoint", "method", "blueprint", "scheme", "is_json", "url_rule"})
"""Attributes of a request that have only a handful of values."""
REQUEST_OBJECTS = ("flask.request", "flask.session", "quart.request")
MAX_ASSIGNMENTS = 8
"""Steps from a local name to the expressions that it was set to."""


def varies_by_request(node: ast.AST, function: SourceFunction, project: Project) -> bool:
    """Return whether *node*, in *function*, may have another value with each request."""
    return _varies(node, function, project, MAX_ASSIGNMENTS)


def _varies(node: ast.AST, function: SourceFunction, project: Project, depth: int) -> bool:
    """Return whether anything in *node* varies; a remainder has only so many values."""
    match node:
        case ast.Attribute(value=ast.Name(), attr=attribute) if attribute in FEW_VALUED:
            return False
        case ast.BinOp(op=ast.Mod(), right=ast.Constant(value=int() | float())):
            return False
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return False
        case ast.Dict(keys=keys):
            return any(one is None or _varies(one, function, project, depth) for one in keys)
        case ast.Call(func=ast.Name(id="dict"), args=[]):
            return False
        case ast.Name(id=name):
            return name not in {"self", "cls"} and _name_varies(name, function, project, depth)
        case ast.Call(func=called):
            callee = project.function_at(project.resolve(called, function.module, function))
            if callee is not None and depth > 0 and not _returns_vary(callee, project, depth - 1):
                return False
    return any(_varies(child, function, project, depth) for child in ast.iter_child_nodes(node))


def _returns_vary(callee: SourceFunction, project: Project, depth: int) -> bool:
    """Return whether the result of *callee* may vary; True where nothing is returned in sight."""
    values = [one.value for one in callee.nodes if isinstance(one, ast.Return) and one.value]
    return not values or any(_varies(one, callee, project, depth) for one in values)


def _name_varies(name: str, function: SourceFunction, project: Project, depth: int) -> bool:
    if depth <= 0:
        return True
    scope: SourceFunction | None = function
    while scope is not None:
        if name in scope.parameters:
            return name in scope.varying
        if name in scope.bound and name not in scope.global_names:
            return any(
                one is not None and _varies(one, scope, project, depth - 1)
                for one in scope.bound[name]
            )
        scope = scope.outer
    found = project.resolve(ast.Name(id=name), function.module, function)
    return found.startswith(REQUEST_OBJECTS)
