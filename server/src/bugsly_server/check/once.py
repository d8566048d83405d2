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
    """Return whether a global that the function itself sets makes it return before *node*."""
    line = getattr(node, "lineno", 0)
    return any(
        isinstance(guard, ast.If)
        and guard.lineno < line
        and isinstance(guard.body[-1], ast.Return)
        and _is_set_global(guard.test, function)
        for guard in (function.nodes if function.global_names else ())
    )


def _is_set_global(test: ast.expr, function: SourceFunction) -> bool:
    """Return whether *test* asks whether a global that *function* assigns to has a value."""
    match test:
        case ast.Name(id=name):
            return name in function.global_names
        case ast.Compare(left=ast.Name(id=name), ops=[ast.IsNot()], comparators=[ast.Constant()]):
            return name in function.global_names
        case _:
            return False
