"""Gives containers and caches a bound."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.edits import (
    Lines,
    indent_of,
    line_of,
    stands_alone,
    statement_at,
    with_import,
)
from bugsly_server.model.diagnosis import Diagnosis

KEPT = 1_000
"""How many entries a mended container keeps."""
CACHES = frozenset({"cache", "lru_cache", "functools.cache", "functools.lru_cache"})
READS = frozenset({"len", "list", "tuple", "sum", "sorted"})
"""Calls that take any of them."""
DUMPS = frozenset({"jsonify", "dumps", "dump"})
"""Calls that take a list and no deque."""


def bound_container(lines: Lines, tree: ast.Module, diagnosis: Diagnosis) -> Lines | None:
    """Make a list a deque with a bound, and let a dict or a set drop an entry."""
    owner, _, name = diagnosis.holder.rpartition(".")
    if not _is_module(owner, diagnosis.file):
        return None
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=given)], value=made) if given == name:
                return _bound(lines, tree, diagnosis, node, made)
            case ast.AnnAssign(target=ast.Name(id=given), value=ast.expr() as made) if (
                given == name
            ):
                return _bound(lines, tree, diagnosis, node, made)
    return None


def _is_module(owner: str, file: str) -> bool:
    """Return whether *owner* is the module of *file*, so that the holder is a global of it."""
    path = file.removesuffix(".py").removesuffix("/__init__")
    return f"/{path}".endswith(f"/{owner.replace('.', '/')}")


def _bound(
    lines: Lines,
    tree: ast.Module,
    diagnosis: Diagnosis,
    node: ast.Assign | ast.AnnAssign,
    made: ast.expr,
) -> Lines | None:
    name = diagnosis.holder.rpartition(".")[2]
    match made:
        case ast.List(elts=[]) | ast.Call(func=ast.Name(id="list"), args=[]):
            if _has_to_be_a_list(tree, name):
                return _dropping(lines, tree, diagnosis, f"del {name}[:-{KEPT}]")
            return _as_deque(lines, tree, name, node) if stands_alone(lines, node) else None
        case ast.Dict(keys=[]) | ast.Call(func=ast.Name(id="dict"), args=[], keywords=[]):
            return _dropping(lines, tree, diagnosis, f"{name}.pop(next(iter({name})))")
        case ast.Call(func=ast.Name(id="set"), args=[]):
            return _dropping(lines, tree, diagnosis, f"{name}.pop()")
    return None


def _has_to_be_a_list(tree: ast.Module, name: str) -> bool:
    """Return whether *name* is used in a way that a deque does not know."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Subscript(value=ast.Name(id=used), slice=ast.Slice())
                | ast.Call(func=ast.Attribute(value=ast.Name(id=used), attr="sort"))
                | ast.BinOp(left=ast.Name(id=used))
                | ast.BinOp(right=ast.Name(id=used))
                | ast.Return(value=ast.Name(id=used))
            ) if used == name:
                return True
            case ast.Call(func=function, args=args):
                called = getattr(function, "attr", getattr(function, "id", ""))
                if called in DUMPS and any(_mentions(one, name) for one in args):
                    return True
    return False


def _mentions(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in READS:
        return False
    return any(_mentions(one, name) for one in ast.iter_child_nodes(node))


def _as_deque(lines: Lines, tree: ast.Module, name: str, node: ast.Assign | ast.AnnAssign) -> Lines:
    declared = name
    if isinstance(node, ast.AnnAssign):
        kind = re.sub(r"^(typing\.)?(list|List)\b", "deque", ast.unparse(node.annotation))
        declared = f"{name}: {kind}"
    lines[node.lineno - 1 : node.end_lineno] = [f"{declared} = deque(maxlen={KEPT})"]
    return with_import(lines, tree, "from collections import deque")


def _dropping(lines: Lines, tree: ast.Module, diagnosis: Diagnosis, drop: str) -> Lines | None:
    """Let an entry be dropped once there are too many, beside the statement of the culprit."""
    statement = statement_at(tree, line_of(diagnosis))
    if statement is None or getattr(statement, "body", None) or not stands_alone(lines, statement):
        return None
    name = diagnosis.holder.rpartition(".")[2]
    indent = indent_of(lines[statement.lineno - 1])
    leaves = isinstance(statement, ast.Return)
    at = statement.lineno - 1 if leaves else statement.end_lineno or statement.lineno
    more = ">=" if leaves else ">"
    lines[at:at] = [f"{indent}if len({name}) {more} {KEPT}:", f"{indent}    {drop}"]
    return lines


def bound_cache(lines: Lines, tree: ast.Module, diagnosis: Diagnosis) -> Lines | None:
    """Give the cache around a function a size, or bound the container that is one."""
    name = diagnosis.holder.rpartition(".")[2]
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != name:
            continue
        for decorator in node.decorator_list:
            made = decorator.func if isinstance(decorator, ast.Call) else decorator
            if ast.unparse(made) in CACHES:
                return _sized(lines, tree, decorator, ast.unparse(made))
    return bound_container(lines, tree, diagnosis)


def _sized(lines: Lines, tree: ast.Module, decorator: ast.expr, written: str) -> Lines:
    begin, end = decorator.lineno - 1, decorator.end_lineno or decorator.lineno
    of_module = "functools." if "." in written else ""
    head = f"{indent_of(lines[begin])}@{of_module}lru_cache(maxsize={KEPT})"
    lines[begin:end] = [head]
    if of_module:
        return lines
    return with_import(lines, tree, "from functools import lru_cache")
