"""Finds the modules from which a source imports the classes on a holder's path."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import lru_cache

from bugsly_server.diagnose.holder_paths import path_names
from bugsly_server.diagnose.source_analysis.syntax_trees import (
    constructor_calls_of,
    last_name,
    parse_source,
)

MAX_CACHED_ORIGINS = 64


@lru_cache(MAX_CACHED_ORIGINS)
def imported_modules(text: str, module: str, path: str) -> tuple[str, ...]:
    """Return the modules from which *text*, the source of *module*, imports classes on *path*.

    Those of the standard library are left out.
    """
    tree = parse_source(text)
    return () if tree is None else tuple(dict.fromkeys(_origins(tree, module, path)))


def _origins(tree: ast.Module, module: str, path: str) -> Iterator[str]:
    constructors = {
        last_name(call.func)
        for name in path_names(path.removeprefix(module))
        for call in constructor_calls_of(name, tree)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(
            (one.asname or one.name) in constructors for one in node.names
        ):
            package = module.split(".")[: -node.level] if node.level else []
            origin = [*package, *(node.module or "").split(".")]
            if origin[0] not in sys.stdlib_module_names:
                yield ".".join(name for name in origin if name)
