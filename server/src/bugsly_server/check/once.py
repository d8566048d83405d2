"""Says whether a node runs once in a process, although its function runs with every request."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from bugsly_server.check.project import SourceProject
from bugsly_server.check.source_module import SourceFunction


def happens_once(node: ast.AST, function: SourceFunction, project: SourceProject) -> bool:
    """Return whether *node* runs only while a global is still empty, or at one count of it."""
    return _is_after_early_exit(node, function) or any(
        project.binding_of(tested, function.module, function) is not None
        for tested in _tested_around(node, function)
    )


def _tested_around(node: ast.AST, function: SourceFunction) -> Iterator[ast.expr]:
    """Yield what the conditions around *node* ask to be empty, or to have one value."""
    for around in function.ancestors(node):
        if isinstance(around, ast.If):
            match around.test:
                case ast.UnaryOp(op=ast.Not(), operand=tested):
                    yield tested
                case ast.Compare(
                    left=tested, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant()]
                ):
                    yield tested


def _is_after_early_exit(node: ast.AST, function: SourceFunction) -> bool:
    """Return whether a state that the function itself sets makes it return before *node*."""
    line = getattr(node, "lineno", 0)
    guards = [
        guard
        for guard in function.nodes
        if isinstance(guard, ast.If)
        and guard.lineno < line
        and isinstance(guard.body[-1], ast.Return)
    ]
    if not guards:
        return False
    states = function.global_names | _attributes_set(function)
    return any(_asks_for(guard.test, states) for guard in guards)


def _attributes_set(function: SourceFunction) -> set[str]:
    return {
        node.attr
        for node in function.nodes
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }


def _asks_for(test: ast.expr, states: set[str]) -> bool:
    """Return whether *test* asks whether one of *states* has a value."""
    match test:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in states
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=name), *_]):
            return name in states
        case ast.Compare(left=left, ops=[ast.IsNot() | ast.Eq() | ast.In()]):
            return _asks_for(left, states)
        case ast.BoolOp(values=values):
            return any(_asks_for(value, states) for value in values)
        case _:
            return False
