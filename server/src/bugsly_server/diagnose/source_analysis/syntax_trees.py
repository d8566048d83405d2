"""Parses Python source and walks its syntax tree for the analysis of holders."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

MAX_SOURCE_LENGTH = 600_000
MAX_CACHED_TREES = 16
"""Parsed sources kept from one diagnosis to the next."""
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@lru_cache(MAX_CACHED_TREES)
def parse_source(text: str) -> ast.Module | None:
    """Return the tree of *text*, None where it cannot be parsed."""
    if len(text) > MAX_SOURCE_LENGTH:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def walk_with_functions(tree: ast.AST) -> Iterator[tuple[ast.AST, tuple[FunctionNode, ...]]]:
    """Yield every node in order of the source, with the functions around it, outermost first."""
    pending: list[tuple[ast.AST, tuple[FunctionNode, ...]]] = [(tree, ())]
    while pending:
        node, functions = pending.pop()
        yield node, functions
        enclosing = (*functions, node) if isinstance(node, FunctionNode) else functions
        pending += [(child, enclosing) for child in reversed(list(ast.iter_child_nodes(node)))]


def constructor_calls_of(name: str, tree: ast.Module) -> list[ast.Call]:
    """Return the calls that make what is *name* so: `Cache()` in `log = Cache()`."""
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Call)
        and any(last_name(target) == name for target in targets_of(node))
    ]


def targets_of(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    """Return what *node* assigns to."""
    return list(node.targets) if isinstance(node, ast.Assign) else [node.target]


def last_name(node: ast.AST) -> str:
    """Return `c` of `c` and of `a.b.c`; empty for all else."""
    return str(getattr(node, "attr", getattr(node, "id", "")))
