"""Finds containers that outlive requests without a global name: in closures, and as defaults."""

from __future__ import annotations

import ast
import textwrap

from bugsly_server.check.project import Binding
from bugsly_server.check.source_module import SourceFunction
from bugsly_server.diagnose.source_analysis.holder_usage import HolderUsage, analyse_usage


def enclosed_binding(node: ast.expr, function: SourceFunction) -> Binding | None:
    """Return the binding of *node* where a function around *function*, or a default, holds it.

    A name that a function around it binds lives as long as *function* does.
    """
    if not isinstance(node, ast.Name) or function.binds(node.id):
        return None
    if node.id in function.parameters:
        default = _default_of(node.id, function.node.args)
        return None if default is None else _binding(node.id, default, function)
    outer = function.outer
    while outer is not None:
        if node.id in outer.bound:
            values = outer.bound[node.id]
            only = values[0] if len(values) == 1 else None
            return None if only is None else _binding(node.id, only, outer)
        if node.id in outer.parameters:
            return None
        outer = outer.outer
    return None


def _binding(name: str, value: ast.expr, scope: SourceFunction) -> Binding:
    return Binding(scope.module, f"{scope.qualified_name}.{name}", value, scope)


def _default_of(name: str, arguments: ast.arguments) -> ast.expr | None:
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = positional[len(positional) - len(arguments.defaults) :]
    defaults = [
        *zip(with_default, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return next((value for argument, value in defaults if argument.arg == name), None)


def usage_of_enclosed(binding: Binding, scope: SourceFunction) -> HolderUsage:
    """Return what *scope* does with *binding*: its body is read as if it were a module."""
    name = binding.path.rpartition(".")[2]
    body = scope.node.body
    lines = scope.module.lines[body[0].lineno - 1 : body[-1].end_lineno]
    text = f"{name} = {ast.unparse(binding.value)}\n" + textwrap.dedent("\n".join(lines))
    return analyse_usage(text, f"{scope.name}.{name}", scope.name)
