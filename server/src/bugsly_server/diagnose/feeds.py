"""Finds, in a module's source, the lines that feed a holder, and what keeps it in bounds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

ADDS = frozenset(
    {"append", "appendleft", "add", "extend", "extendleft", "insert", "update", "setdefault"}
    | {"push", "put", "put_nowait", "set", "register", "__setitem__"}
)
REMOVES = frozenset({"pop", "popleft", "popitem", "remove", "discard", "clear", "get_nowait"})
PUSHES = frozenset({"heappush", "insort", "insort_left", "insort_right"})
"""Functions that add to their first argument."""
VARIABLES = frozenset({"<closure>", "<default>", "<local>"})
"""What a path says of a variable of a function."""
SMALLEST_BOUND = 2
LONGEST_SOURCE = 600_000
KEPT_TREES = 16
"""Parsed sources kept from look to look."""


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
    """A number that its length is compared with."""
    removes: bool
    """Whether anything ever leaves it."""


@dataclass(frozen=True, slots=True)
class Name:
    """How source may spell a holder: `log` and `views.log`, or `self.seen`."""

    last: str
    owner: str
    """The function whose closure or default it is, empty for all others."""
    is_bare: bool
    """Whether it may stand there without a dot before it."""

    @classmethod
    def of(cls, path: str, module: str) -> Name:
        """Return how the source of *module* spells the holder at *path*."""
        rest = re.sub(r"\[[^\]]*\]", "", path.removeprefix(module).lstrip("."))
        parts = [part for part in rest.split(".") if part]
        is_variable = len(parts) > 2 and parts[-2] in VARIABLES
        return cls(
            last=parts[-1] if parts else "",
            owner=parts[-3] if is_variable else "",
            is_bare=is_variable or len(parts) == 1,
        )


def read(text: str, path: str, module: str) -> Reading:
    """Return what *text*, the source of *module*, says of the holder at *path*.

    A source that cannot be parsed says nothing.
    """
    name, tree = Name.of(path, module), parse(text)
    if tree is None or not name.last:
        return Reading((), None, removes=False)
    feeds, bounds, removes = [], [], False
    for node, functions in _walk(tree):
        if _adds(node, name):
            feeds.append(_feed(node, functions, name))
        bounds += _bounds(node, name, tree)
        removes = removes or _removes(node, name)
    for function, _ in _walk(tree):
        if isinstance(function, Function) and _is_cached(function, name):
            feeds.append(_feed(function, (function,), name))
    inside = [feed for feed in feeds if feed.function == name.owner]
    feeds = inside if name.owner and inside else feeds
    return Reading(tuple(feeds), min(bounds, default=None), removes=removes or bool(bounds))


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


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _walk(tree: ast.AST) -> Iterator[tuple[ast.AST, tuple[Function, ...]]]:
    """Yield every node in order of the source, with the functions around it, outermost first."""
    waiting: list[tuple[ast.AST, tuple[Function, ...]]] = [(tree, ())]
    while waiting:
        node, functions = waiting.pop()
        yield node, functions
        inner = (*functions, node) if isinstance(node, Function) else functions
        waiting += [(child, inner) for child in reversed(list(ast.iter_child_nodes(node)))]


def _names(node: ast.AST, name: Name) -> bool:
    """Return whether *node* spells the holder: `log`, `views.log`, `self.seen`, `log[key]`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in {"setdefault", "get"} and _names(node.func.value, name)
    if isinstance(node, ast.Name):
        return name.is_bare and node.id == name.last
    if name.owner or not isinstance(node, ast.Attribute):
        return False
    return node.attr.lstrip("_") == name.last.lstrip("_")


def _adds(node: ast.AST, name: Name) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=holder, attr=verb)):
            return (verb in ADDS and _names(holder, name)) or _pushes(node, name)
        case ast.Call():
            return _pushes(node, name)
        case ast.Assign(targets=targets):
            return any(
                isinstance(one, ast.Subscript) and _names(one.value, name) for one in targets
            )
        case ast.AugAssign(target=target, op=ast.Add() | ast.BitOr()):
            return _names(target, name) or (
                isinstance(target, ast.Subscript) and _names(target.value, name)
            )
    return False


def _pushes(call: ast.Call, name: Name) -> bool:
    verb = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return verb in PUSHES and bool(call.args) and _names(call.args[0], name)


def _removes(node: ast.AST, name: Name) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=holder, attr=verb)):
            return verb in REMOVES and _names(holder, name)
        case ast.Delete(targets=targets):
            return any(
                isinstance(one, ast.Subscript) and _names(one.value, name) for one in targets
            )
        case ast.Assign(targets=[ast.Subscript(value=holder, slice=ast.Slice())]):
            return _names(holder, name)
    return False


def _bounds(node: ast.AST, name: Name, tree: ast.Module) -> list[int]:
    """Return the numbers that the holder's length is compared with in *node*."""
    if not isinstance(node, ast.Compare) or len(node.comparators) != 1:
        return []
    sides = [node.left, node.comparators[0]]
    for length, limit in (sides, reversed(sides)):
        match length:
            case ast.Call(func=ast.Name(id="len"), args=[holder]) if _names(holder, name):
                number = _number(limit, tree)
                return [number] if number is not None and number >= SMALLEST_BOUND else []
    return []


def _number(node: ast.AST, tree: ast.Module) -> int | None:
    """Return the whole number that *node* is, or that the constant of that name was given."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return node.value
    wanted = node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)
    for one in tree.body:
        match one:
            case ast.Assign(
                targets=[ast.Name(id=given)], value=ast.Constant(value=int() as number)
            ):
                if given == wanted:
                    return number
    return None


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
            return _names(holder, name)
        case ast.Call(func=ast.Attribute(value=holder, attr="get")):
            return _names(holder, name)
        case ast.Return(value=ast.Subscript(value=holder)):
            return _names(holder, name)
    return False
