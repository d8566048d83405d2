"""Finds, in a module's source, the lines that feed a holder, and what keeps it in bounds."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bugsly_server.diagnose.bounds import bound_in
from bugsly_server.diagnose.touches import Function, Name, adds, names, removes

LONGEST_SOURCE = 600_000
KEPT_TREES = 16
"""Parsed sources kept from look to look."""
KEPT_READINGS = 64


@dataclass(frozen=True, slots=True)
class Feed:
    """A line that adds to a holder."""

    line: int
    function: str
    """Of the innermost function around it, empty at the level of the module."""
    rules: tuple[str, ...]
    """Routes that its function is decorated with, as written."""
    memo: bool
    """Whether the function looks into the holder before it adds to it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the source says of one holder."""

    feeds: tuple[Feed, ...]
    bound: int | None
    """The count at which the source stops it; `UNKNOWN` where only that it does is known."""
    removes: bool
    """Whether anything ever leaves it."""


@lru_cache(KEPT_READINGS)
def read(text: str, path: str, module: str) -> Reading:
    """Return what *text*, the source of *module*, says of the holder at *path*.

    A source that cannot be parsed says nothing.
    """
    name, tree = Name.of(path, module), parse(text)
    if tree is None or not name.last:
        return Reading((), None, removes=False)
    name = name.known_in(tree)
    feeds, leaves = [], False
    for node, functions in _walk(tree):
        if adds(node, name):
            feeds.append(_feed(node, functions, name))
        leaves = leaves or removes(node, name, functions[-1] if functions else None)
    for function, _ in _walk(tree):
        if isinstance(function, Function) and _is_cached(function, name):
            feeds.append(_feed(function, (function,), name))
    inside = [feed for feed in feeds if feed.function == name.owner]
    feeds = inside if name.owner and inside else feeds
    bound = bound_in(tree, name)
    return Reading(tuple(feeds), bound, removes=leaves or bound is not None)


def choose(feeds: Sequence[Feed], endpoint: str) -> Feed | None:
    """Return the one of *feeds* that *endpoint* most likely runs into."""
    rule = endpoint.partition(" ")[2]
    return min(
        feeds,
        key=lambda feed: (rule not in feed.rules, not feed.function, bool(feed.rules), feed.line),
        default=None,
    )


@lru_cache(KEPT_TREES)
def parse(text: str) -> ast.Module | None:
    """Return the tree of *text*, None where it cannot be parsed."""
    if len(text) > LONGEST_SOURCE:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _walk(tree: ast.AST) -> Iterator[tuple[ast.AST, tuple[Function, ...]]]:
    """Yield every node in order of the source, with the functions around it, outermost first."""
    waiting: list[tuple[ast.AST, tuple[Function, ...]]] = [(tree, ())]
    while waiting:
        node, functions = waiting.pop()
        yield node, functions
        inner = (*functions, node) if isinstance(node, Function) else functions
        waiting += [(child, inner) for child in reversed(list(ast.iter_child_nodes(node)))]


def _is_cached(function: Function, name: Name) -> bool:
    """Return whether *function* is the holder itself, with a cache around it."""
    around = [ast.unparse(one) for one in function.decorator_list]
    return function.name == name.last and any("cache" in one for one in around)


def _feed(node: ast.AST, functions: Sequence[Function], name: Name) -> Feed:
    around = functions[-1] if functions else None
    return Feed(
        line=getattr(node, "lineno", 0),
        function=around.name if around else "",
        rules=tuple(rule for one in functions for rule in _rules(one)),
        memo=around is not None and any(_looks(one, name) for one in ast.walk(around)),
    )


def _rules(function: Function) -> Iterator[str]:
    for decorator in function.decorator_list:
        match decorator:
            case ast.Call(func=ast.Attribute(), args=[ast.Constant(value=str() as rule), *_]):
                yield rule


def _looks(node: ast.AST, name: Name) -> bool:
    """Return whether *node* asks the holder for a key."""
    match node:
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[holder]):
            return names(holder, name)
        case ast.Call(func=ast.Attribute(value=holder, attr="get")):
            return names(holder, name)
        case ast.Return(value=ast.Subscript(value=holder)):
            return names(holder, name)
    return False
