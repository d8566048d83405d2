"""Finds the lines of a module that add to a holder, and picks the one that an endpoint reaches."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bugsly_server.diagnose.source_analysis.mutations import HolderMutations
from bugsly_server.diagnose.source_analysis.syntax_trees import FunctionNode


@dataclass(frozen=True, slots=True)
class WriteSite:
    """A line that adds to a holder."""

    line: int
    function: str
    """The innermost function around it, empty at module level."""
    routes: tuple[str, ...]
    """The routes in the decorators of its functions, as written."""
    looks_up_first: bool
    """Whether the function also looks up keys in the holder, as a cache does."""


def find_write_sites(mutations: HolderMutations) -> tuple[WriteSite, ...]:
    """Return the lines that add to the holder; for a closure, those in its function if any."""
    write_sites = [
        _write_site_at(node, functions, mutations)
        for node, functions in mutations.additions.values()
    ]
    write_sites += [
        _write_site_at(function, (function,), mutations)
        for function in mutations.namesakes
        if _is_cached(function)
    ]
    inside = [one for one in write_sites if one.function == mutations.closure_of]
    return tuple(inside if mutations.closure_of and inside else write_sites)


def choose_write_site(write_sites: Sequence[WriteSite], endpoint: str | None) -> WriteSite | None:
    """Return the one of *write_sites* that *endpoint* most likely reaches."""
    route = (endpoint or "").partition(" ")[2]
    return min(
        write_sites,
        key=lambda write_site: (
            route not in write_site.routes,
            not write_site.function,
            bool(write_site.routes),
            write_site.line,
        ),
        default=None,
    )


def _is_cached(function: FunctionNode) -> bool:
    decorators = [ast.unparse(one) for one in function.decorator_list]
    return any("cache" in one for one in decorators)


def _write_site_at(
    node: ast.AST, functions: Sequence[FunctionNode], mutations: HolderMutations
) -> WriteSite:
    innermost = functions[-1] if functions else None
    return WriteSite(
        line=getattr(node, "lineno", 0),
        function=innermost.name if innermost else "",
        routes=tuple(rule for one in functions for rule in _routes_of(one)),
        looks_up_first=innermost is not None
        and any(_looks_up(one, mutations) for one in ast.walk(innermost)),
    )


def _routes_of(function: FunctionNode) -> Iterator[str]:
    for decorator in function.decorator_list:
        match decorator:
            case ast.Call(func=ast.Attribute(), args=[ast.Constant(value=str() as route), *_]):
                yield route


def _looks_up(node: ast.AST, mutations: HolderMutations) -> bool:
    """Return whether *node* looks up a key in the holder."""
    match node:
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[holder]):
            return id(holder) in mutations.references
        case ast.Call(func=ast.Attribute(value=holder, attr="get")):
            return id(holder) in mutations.references
        case ast.Return(value=ast.Subscript(value=holder)):
            return id(holder) in mutations.references
    return False
