"""Parses Python source, and reads names from the nodes of its syntax tree."""

from __future__ import annotations

import ast
from functools import lru_cache

MAX_SOURCE_LENGTH = 600_000
MAX_CACHED_TREES = 16
"""Parsed sources kept from one diagnosis to the next."""
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@lru_cache(MAX_CACHED_TREES)
def parse_source(text: str) -> ast.Module | None:
    """Return the syntax tree of *text*; None where it is too long or cannot be parsed."""
    if len(text) > MAX_SOURCE_LENGTH:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def constructor_calls_of(name: str, tree: ast.Module) -> list[ast.Call]:
    """Return the calls whose result is assigned to *name*: `Cache()` in `log = Cache()`."""
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Call)
        and any(last_name(target) == name for target in targets_of(node))
    ]


def targets_of(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    """Return the targets of the assignment *node*."""
    return list(node.targets) if isinstance(node, ast.Assign) else [node.target]


def last_name(node: ast.AST) -> str:
    """Return `c` for `c` and for `a.b.c`, empty for other nodes."""
    return str(getattr(node, "attr", getattr(node, "id", "")))
