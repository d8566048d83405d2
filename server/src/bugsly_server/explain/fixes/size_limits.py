"""Rewrites containers and caches so that their size is bounded."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.fixes.source_edits import (
    SourceLines,
    indent_of,
    is_alone_on_lines,
    site_line_number,
    source_of,
    statement_at,
    with_import,
)
from bugsly_server.model.diagnosis import Diagnosis

MAX_ENTRIES = 1_000
"""Entries that a bounded container keeps."""
CACHE_DECORATORS = frozenset({"cache", "lru_cache", "functools.cache", "functools.lru_cache"})
READING_CALLS = frozenset({"len", "list", "tuple", "sum", "sorted"})
"""Calls that accept a deque in place of a list."""
LIST_CALLS = frozenset({"jsonify", "dumps", "dump", "render_template", "render_template_string"})
"""Calls that accept a list, and may not accept a deque: a template may cut a slice out of it."""


def bound_container(
    lines: SourceLines, tree: ast.Module, diagnosis: Diagnosis
) -> SourceLines | None:
    """Make a list a `deque(maxlen=…)`, or evict an entry of a dict, a set or a list."""
    owner, _, name = (diagnosis.holder_name or "").rpartition(".")
    if not _is_module(owner, diagnosis.location.file or ""):
        return None
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=initial) if target == name:
                return _with_bound(lines, tree, diagnosis, node, initial)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as initial) if (
                target == name
            ):
                return _with_bound(lines, tree, diagnosis, node, initial)
    return None


def _last_name(diagnosis: Diagnosis) -> str:
    return (diagnosis.holder_name or "").rpartition(".")[2]


def _is_module(owner: str, file: str) -> bool:
    """Return whether *owner* is the module of *file*, so that the holder is a global of it."""
    path = file.removesuffix(".py").removesuffix("/__init__")
    return f"/{path}".endswith(f"/{owner.replace('.', '/')}")


def _with_bound(
    lines: SourceLines,
    tree: ast.Module,
    diagnosis: Diagnosis,
    node: ast.Assign | ast.AnnAssign,
    initial: ast.expr,
) -> SourceLines | None:
    name = _last_name(diagnosis)
    match initial:
        case ast.List(elts=[]) | ast.Call(func=ast.Name(id="list"), args=[]):
            if _needs_a_list(tree, name):
                return _with_eviction(lines, tree, diagnosis, f"del {name}[:-{MAX_ENTRIES}]")
            return _as_deque(lines, tree, name, node) if is_alone_on_lines(lines, node) else None
        case ast.Dict(keys=[]) | ast.Call(func=ast.Name(id="dict"), args=[], keywords=[]):
            return _with_eviction(lines, tree, diagnosis, f"{name}.pop(next(iter({name})))")
        case ast.Call(func=ast.Name(id="set"), args=[]):
            return _with_eviction(lines, tree, diagnosis, f"{name}.pop()")
    return None


def _needs_a_list(tree: ast.Module, name: str) -> bool:
    """Return whether *name* is used in a way that a deque does not support."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Subscript(value=ast.Name(id=used), slice=ast.Slice())
                | ast.Call(func=ast.Attribute(value=ast.Name(id=used), attr="sort"))
                | ast.BinOp(left=ast.Name(id=used))
                | ast.BinOp(right=ast.Name(id=used))
            ) if used == name:
                return True
            case ast.Return(value=ast.expr() as value) if _mentions(value, name):
                return True
            case ast.Call(func=function, args=args, keywords=keywords):
                called = getattr(function, "attr", getattr(function, "id", ""))
                given = [*args, *(one.value for one in keywords)]
                if called in LIST_CALLS and any(_mentions(one, name) for one in given):
                    return True
    return False


def _mentions(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id == name
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in READING_CALLS:
        return False
    return any(_mentions(one, name) for one in ast.iter_child_nodes(node))


def _as_deque(
    lines: SourceLines, tree: ast.Module, name: str, node: ast.Assign | ast.AnnAssign
) -> SourceLines:
    declared = name
    if isinstance(node, ast.AnnAssign):
        annotation = re.sub(
            r"^(typing\.)?(list|List)\b", "deque", source_of(lines, node.annotation)
        )
        declared = f"{name}: {annotation}"
    lines[node.lineno - 1 : node.end_lineno] = [f"{declared} = deque(maxlen={MAX_ENTRIES})"]
    return with_import(lines, tree, "from collections import deque")


def _with_eviction(
    lines: SourceLines, tree: ast.Module, diagnosis: Diagnosis, eviction: str
) -> SourceLines | None:
    """Add lines next to the leaking statement that evict an entry when there are too many."""
    statement = statement_at(tree, site_line_number(diagnosis))
    if (
        statement is None
        or getattr(statement, "body", None)
        or not is_alone_on_lines(lines, statement)
    ):
        return None
    name = _last_name(diagnosis)
    indent = indent_of(lines[statement.lineno - 1])
    is_return = isinstance(statement, ast.Return)
    position = statement.lineno - 1 if is_return else statement.end_lineno or statement.lineno
    operator = ">=" if is_return else ">"
    lines[position:position] = [
        f"{indent}if len({name}) {operator} {MAX_ENTRIES}:",
        f"{indent}    {eviction}",
    ]
    return lines


def bound_cache(lines: SourceLines, tree: ast.Module, diagnosis: Diagnosis) -> SourceLines | None:
    """Give a `cache` decorator a `maxsize`, or bound a container that serves as a cache."""
    name = _last_name(diagnosis)
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != name:
            continue
        for decorator in node.decorator_list:
            function = decorator.func if isinstance(decorator, ast.Call) else decorator
            if ast.unparse(function) in CACHE_DECORATORS:
                return _with_max_size(lines, tree, decorator, ast.unparse(function))
    return bound_container(lines, tree, diagnosis)


def _with_max_size(
    lines: SourceLines, tree: ast.Module, decorator: ast.expr, source: str
) -> SourceLines:
    begin, end = decorator.lineno - 1, decorator.end_lineno or decorator.lineno
    of_module = "functools." if "." in source else ""
    head = f"{indent_of(lines[begin])}@{of_module}lru_cache(maxsize={MAX_ENTRIES})"
    lines[begin:end] = [head]
    if of_module:
        return lines
    return with_import(lines, tree, "from functools import lru_cache")
