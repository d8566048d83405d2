"""Finds, in a module's source, the lines that feed a holder, and what keeps it in bounds."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bugsly_server.diagnose.source_analysis.capacity_limits import find_capacity_limit
from bugsly_server.diagnose.source_analysis.mutations import (
    FunctionNode,
    HolderSpelling,
    adds_to,
    refers_to,
    removes_from,
)

MAX_SOURCE_LENGTH = 600_000
MAX_CACHED_TREES = 16
"""Parsed sources kept from look to look."""
MAX_CACHED_USAGES = 64


@dataclass(frozen=True, slots=True)
class WriteSite:
    """A line that adds to a holder."""

    line: int
    function: str
    """Of the innermost function around it, empty at the level of the module."""
    routes: tuple[str, ...]
    """Routes that its function is decorated with, as written."""
    looks_up_first: bool
    """Whether the function looks into the holder before it adds to it."""


@dataclass(frozen=True, slots=True)
class HolderUsage:
    """What the source says of one holder."""

    write_sites: tuple[WriteSite, ...]
    capacity_limit: int | None
    """The count at which the source stops it; `UNKNOWN` where only that it does is known."""
    removes_entries: bool
    """Whether anything ever leaves it."""


@lru_cache(MAX_CACHED_USAGES)
def analyse_usage(text: str, path: str, module: str) -> HolderUsage:
    """Return what *text*, the source of *module*, says of the holder at *path*.

    A source that cannot be parsed says nothing.
    """
    spelling, tree = HolderSpelling.from_path(path, module), parse_source(text)
    if tree is None or not spelling.name:
        return HolderUsage((), None, removes_entries=False)
    spelling = spelling.resolved_in(tree)
    write_sites, has_removals = [], False
    for node, functions in _walk_with_functions(tree):
        if adds_to(node, spelling):
            write_sites.append(_write_site_at(node, functions, spelling))
        has_removals = has_removals or removes_from(
            node, spelling, functions[-1] if functions else None
        )
    for function, _ in _walk_with_functions(tree):
        if isinstance(function, FunctionNode) and _is_cached_function(function, spelling):
            write_sites.append(_write_site_at(function, (function,), spelling))
    inside = [feed for feed in write_sites if feed.function == spelling.closure_of]
    write_sites = inside if spelling.closure_of and inside else write_sites
    capacity_limit = find_capacity_limit(tree, spelling)
    return HolderUsage(
        tuple(write_sites),
        capacity_limit,
        removes_entries=has_removals or capacity_limit is not None,
    )


def choose_write_site(write_sites: Sequence[WriteSite], endpoint: str | None) -> WriteSite | None:
    """Return the one of *write_sites* that *endpoint* most likely runs into."""
    route = (endpoint or "").partition(" ")[2]
    return min(
        write_sites,
        key=lambda feed: (
            route not in feed.routes,
            not feed.function,
            bool(feed.routes),
            feed.line,
        ),
        default=None,
    )


@lru_cache(MAX_CACHED_TREES)
def parse_source(text: str) -> ast.Module | None:
    """Return the tree of *text*, None where it cannot be parsed."""
    if len(text) > MAX_SOURCE_LENGTH:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _walk_with_functions(tree: ast.AST) -> Iterator[tuple[ast.AST, tuple[FunctionNode, ...]]]:
    """Yield every node in order of the source, with the functions around it, outermost first."""
    pending: list[tuple[ast.AST, tuple[FunctionNode, ...]]] = [(tree, ())]
    while pending:
        node, functions = pending.pop()
        yield node, functions
        enclosing = (*functions, node) if isinstance(node, FunctionNode) else functions
        pending += [(child, enclosing) for child in reversed(list(ast.iter_child_nodes(node)))]


def _is_cached_function(function: FunctionNode, spelling: HolderSpelling) -> bool:
    """Return whether *function* is the holder itself, with a cache around it."""
    decorators = [ast.unparse(one) for one in function.decorator_list]
    return function.name == spelling.name and any("cache" in one for one in decorators)


def _write_site_at(
    node: ast.AST, functions: Sequence[FunctionNode], spelling: HolderSpelling
) -> WriteSite:
    innermost = functions[-1] if functions else None
    return WriteSite(
        line=getattr(node, "lineno", 0),
        function=innermost.name if innermost else "",
        routes=tuple(rule for one in functions for rule in _routes_of(one)),
        looks_up_first=innermost is not None
        and any(_looks_up(one, spelling) for one in ast.walk(innermost)),
    )


def _routes_of(function: FunctionNode) -> Iterator[str]:
    for decorator in function.decorator_list:
        match decorator:
            case ast.Call(func=ast.Attribute(), args=[ast.Constant(value=str() as route), *_]):
                yield route


def _looks_up(node: ast.AST, spelling: HolderSpelling) -> bool:
    """Return whether *node* asks the holder for a key."""
    match node:
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[holder]):
            return refers_to(holder, spelling)
        case ast.Call(func=ast.Attribute(value=holder, attr="get")):
            return refers_to(holder, spelling)
        case ast.Return(value=ast.Subscript(value=holder)):
            return refers_to(holder, spelling)
    return False
