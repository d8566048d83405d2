"""Says whether a value depends on the request, so that it may be another one each time."""

from __future__ import annotations

import ast

from bugsly_server.check.project import SourceProject
from bugsly_server.check.source_module import SourceFunction

FEW_VALUED = frozenset({"endpoint", "method", "blueprint", "scheme", "is_json", "url_rule"})
"""Attributes of a request that have only a handful of values."""
REQUEST_OBJECTS = ("flask.request", "flask.session", "quart.request")
MAX_ASSIGNMENTS = 8
"""Steps from a local name to the expressions that it was set to."""


def varies_by_request(node: ast.AST, function: SourceFunction, project: SourceProject) -> bool:
    """Return whether *node*, in *function*, may have another value with each request."""
    return _Question(project).varies(node, function, MAX_ASSIGNMENTS)


class _Question:
    """One question, with what was found out on the way: no name is followed twice."""

    def __init__(self, project: SourceProject) -> None:
        self._project = project
        self._names: dict[tuple[int, str], bool] = {}
        self._callees: dict[int, bool] = {}

    def varies(self, node: ast.AST, function: SourceFunction, depth: int) -> bool:
        """Return whether anything in *node* varies."""
        if _has_few_values(node):
            return False
        match node:
            case ast.Dict(keys=keys):
                return any(one is None or self.varies(one, function, depth) for one in keys)
            case ast.Name(id=name):
                return self._name_varies(name, function, depth)
            case ast.Call(func=called):
                resolved = self._project.resolve(called, function.module, function)
                callee = self._project.function_at(resolved)
                if callee is not None and depth > 0 and not self._returns_vary(callee, depth - 1):
                    return False
        return any(self.varies(child, function, depth) for child in ast.iter_child_nodes(node))

    def _returns_vary(self, callee: SourceFunction, depth: int) -> bool:
        """Return whether its result may vary; True where nothing is returned in sight."""
        if id(callee) not in self._callees:
            self._callees[id(callee)] = False
            returned = [one.value for one in callee.nodes if isinstance(one, ast.Return)]
            values = [one for one in returned if one is not None]
            varies = not values or any(self.varies(one, callee, depth) for one in values)
            self._callees[id(callee)] = varies
        return self._callees[id(callee)]

    def _name_varies(self, name: str, function: SourceFunction, depth: int) -> bool:
        if depth <= 0:
            return True
        scope: SourceFunction | None = function
        while scope is not None:
            if name in scope.parameters:
                return name in scope.varying and not _is_reduced(name, scope)
            if scope.binds(name):
                return self._local_varies(name, scope, depth - 1)
            scope = scope.outer
        found = self._project.resolve(ast.Name(id=name), function.module, function)
        return found.startswith(REQUEST_OBJECTS)

    def _local_varies(self, name: str, scope: SourceFunction, depth: int) -> bool:
        key = (id(scope), name)
        if key not in self._names:
            self._names[key] = False
            values = [one for one in scope.bound[name] if one is not None]
            values += scope.wholes.get(name, [])
            self._names[key] = any(self.varies(one, scope, depth) for one in values)
        return self._names[key]


def _has_few_values(node: ast.AST) -> bool:
    """Return whether *node* has only so many values, whatever the request: a remainder does."""
    match node:
        case ast.Attribute(value=ast.Name(), attr=attribute):
            return attribute in FEW_VALUED
        case ast.BinOp(op=ast.Mod(), left=left):
            return not _is_text(left)
        case ast.Subscript(value=ast.Name(id=table) | ast.Attribute(attr=table)):
            return table.isupper()
        case (
            ast.Compare()
            | ast.UnaryOp(op=ast.Not())
            | ast.Name(id="self" | "cls")
            | ast.Call(func=ast.Name(id="dict"), args=[])
        ):
            return True
        case _:
            return False


def _is_text(node: ast.AST) -> bool:
    """Return whether `%` after *node* fills in a text."""
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
    )


def _is_reduced(name: str, function: SourceFunction) -> bool:
    """Return whether *function* allows only some values of *name*, as keys of a table."""
    return any(_reduces(node, name) for node in function.nodes)


def _reduces(node: ast.AST, name: str) -> bool:
    match node:
        case ast.AugAssign(op=ast.Mod(), target=ast.Name(id=target)):
            return target == name
        case ast.Assign(
            targets=[ast.Name(id=target)],
            value=ast.Subscript(value=ast.Name(id=table), slice=ast.Name(id=key)),
        ):
            return target == key == name and table.isupper()
        case ast.If(
            test=ast.Compare(left=ast.Name(id=tested), ops=[ast.NotIn()], comparators=[ast.expr()]),
            body=[*_, ast.Raise() | ast.Return() | ast.Expr(value=ast.Call())],
        ):
            return tested == name and _is_constant(node.test)
        case _:
            return False


def _is_constant(test: ast.expr) -> bool:
    """Return whether *test* looks something up in a constant: in capitals, or written out."""
    match test:
        case ast.Compare(comparators=[ast.Tuple() | ast.List() | ast.Set() | ast.Dict()]):
            return True
        case ast.Compare(comparators=[ast.Name(id=table) | ast.Attribute(attr=table)]):
            return table.isupper()
        case _:
            return False
