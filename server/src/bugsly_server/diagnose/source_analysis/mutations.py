"""Finds the nodes of a syntax tree that refer to a holder, add entries to it or remove some."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeGuard

from bugsly_server.diagnose.source_analysis.holder_spelling import HolderSpelling
from bugsly_server.diagnose.source_analysis.syntax_trees import FunctionNode, last_name

ADDING_METHODS = frozenset(
    {"append", "appendleft", "add", "extend", "extendleft", "insert", "update", "setdefault"}
    | {"push", "put", "put_nowait", "set", "register", "__setitem__"}
)
REMOVING_METHODS = frozenset(
    {"pop", "popleft", "popitem", "remove", "discard", "clear", "get_nowait"}
)
ADDING_FUNCTIONS = frozenset({"heappush", "insort", "insort_left", "insort_right"})
"""Functions that add to their first argument."""
REMOVING_FUNCTIONS = frozenset({"heappop"})
"""Functions that remove from their first argument."""
INITIALISERS = frozenset({"__init__", "__new__", "__post_init__", "__setstate__"})
"""Methods that create the holder, so that an assignment in them replaces nothing."""
MAX_CACHED_FUNCTIONS = 64


class Addition(NamedTuple):
    """A node that adds to a holder, and the functions around it, outermost first."""

    node: ast.AST
    functions: tuple[FunctionNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderMutations:
    """What a syntax tree does to one holder; nodes are known by their ids."""

    name: str
    """The last name of its path."""
    closure_of: str
    """The function whose closure or default it is, empty for all others."""
    constructor_calls: frozenset[int]
    """The calls that create the object of which it is an attribute."""
    references: frozenset[int]
    """The expressions that spell it: `log`, `views.log`, `self.seen`, `log[key]`."""
    additions: Mapping[int, Addition]
    """By id of the node, in source order."""
    namesakes: tuple[FunctionNode, ...]
    """The functions with its name: a cached function is a holder itself."""
    removals: frozenset[int]
    replacements: frozenset[tuple[int, int]]
    """Assignments of a new object in its place, each with a function around it."""
    removes_entries: bool
    """Whether anything in the tree removes entries or replaces the holder."""

    def removes(self, node: ast.AST, function: FunctionNode) -> bool:
        """Return whether *node*, within *function*, removes entries or replaces the holder."""
        return id(node) in self.removals or (id(node), id(function)) in self.replacements


def find_mutations(tree: ast.Module, spelling: HolderSpelling) -> HolderMutations:
    """Return what *tree* does to the holder that it spells as *spelling*."""
    references, removals = set(), set()
    additions: dict[int, Addition] = {}
    namesakes: list[FunctionNode] = []
    replacements: set[tuple[int, int]] = set()
    removes_entries = False
    for node, functions in _walk_with_functions(tree):
        if _refers_to(node, spelling):
            references.add(id(node))
        if _adds_to(node, spelling):
            additions[id(node)] = Addition(node, functions)
        if isinstance(node, FunctionNode) and node.name == spelling.name:
            namesakes.append(node)
        if _removes_from(node, spelling):
            removals.add(id(node))
            removes_entries = True
        elif isinstance(node, ast.Assign):
            replaced = [one for one in functions if _replaces(node, spelling, one)]
            replacements |= {(id(node), id(one)) for one in replaced}
            removes_entries |= bool(replaced) and replaced[-1] is functions[-1]
    return HolderMutations(
        name=spelling.name,
        closure_of=spelling.closure_of,
        constructor_calls=spelling.constructor_calls,
        references=frozenset(references),
        additions=additions,
        namesakes=tuple(namesakes),
        removals=frozenset(removals),
        replacements=frozenset(replacements),
        removes_entries=removes_entries,
    )


def _walk_with_functions(tree: ast.AST) -> Iterator[tuple[ast.AST, tuple[FunctionNode, ...]]]:
    """Yield every node in source order, with the functions around it, outermost first."""
    pending: list[tuple[ast.AST, tuple[FunctionNode, ...]]] = [(tree, ())]
    while pending:
        node, functions = pending.pop()
        yield node, functions
        enclosing = (*functions, node) if isinstance(node, FunctionNode) else functions
        pending += [(child, enclosing) for child in reversed(list(ast.iter_child_nodes(node)))]


def _refers_to(node: ast.AST, spelling: HolderSpelling) -> bool:
    """Return whether *node* spells the holder: `log`, `views.log`, `self.seen`, `log[key]`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if id(node) in spelling.self_nodes:
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in {"setdefault", "get"} and _refers_to(node.func.value, spelling)
    if isinstance(node, ast.Name):
        return spelling.is_bare and node.id == spelling.name
    if (
        spelling.closure_of
        or not isinstance(node, ast.Attribute)
        or id(node.value) in spelling.foreign_self_nodes
    ):
        return False
    return node.attr.lstrip("_") == spelling.name.lstrip("_")


def _adds_to(node: ast.AST, spelling: HolderSpelling) -> bool:
    """Return whether *node* adds to the holder."""
    match node:
        case ast.Call(func=ast.Attribute(value=holder, attr=method)):
            return (method in ADDING_METHODS and _refers_to(holder, spelling)) or _adds_by_function(
                node, spelling
            )
        case ast.Call():
            return _adds_by_function(node, spelling)
        case ast.Assign(targets=targets):
            return any(
                isinstance(one, ast.Subscript) and _refers_to(one.value, spelling)
                for one in targets
            )
        case ast.AugAssign(target=target, op=ast.Add() | ast.BitOr()):
            return _refers_to(target, spelling) or (
                isinstance(target, ast.Subscript) and _refers_to(target.value, spelling)
            )
    return False


def _adds_by_function(call: ast.Call, spelling: HolderSpelling) -> bool:
    return (
        last_name(call.func) in ADDING_FUNCTIONS
        and bool(call.args)
        and _refers_to(call.args[0], spelling)
    )


def _removes_from(node: ast.AST, spelling: HolderSpelling) -> bool:
    """Return whether *node* removes entries from the holder, whatever function it is in."""
    match node:
        case ast.Call(func=ast.Attribute(value=holder, attr=method)) if method in REMOVING_METHODS:
            return _refers_to(holder, spelling)
        case ast.Call(func=called, args=[holder, *_]):
            return last_name(called) in REMOVING_FUNCTIONS and _refers_to(holder, spelling)
        case ast.Delete(targets=targets):
            return any(
                isinstance(one, ast.Subscript) and _refers_to(one.value, spelling)
                for one in targets
            )
        case ast.Assign(targets=[ast.Subscript(value=holder, slice=ast.Slice())]):
            return _refers_to(holder, spelling)
    return False


def _replaces(node: ast.Assign, spelling: HolderSpelling, function: FunctionNode) -> bool:
    """Return whether *node*, in *function*, replaces the holder by one with fewer entries."""
    targets = [
        one
        for target in node.targets
        for one in (target.elts if isinstance(target, ast.Tuple) else [target])
    ]
    is_renewed = any(_is_holder_itself(one, spelling, function) for one in targets)
    joins = any(isinstance(one, ast.BinOp | ast.Starred) for one in ast.walk(node.value))
    if not is_renewed or joins or function.name in INITIALISERS:
        return False
    return not any(_is_creation_check(one) and node in one.body for one in ast.walk(function))


def _is_creation_check(node: ast.AST) -> TypeGuard[ast.If]:
    """Return whether *node* checks if the holder exists yet: `if not hasattr(here, "log")`."""
    if not isinstance(node, ast.If):
        return False
    test_nodes = list(ast.walk(node.test))
    has_hasattr = any(
        isinstance(one, ast.Call) and last_name(one.func) == "hasattr" for one in test_nodes
    )
    return has_hasattr or any(
        isinstance(one, ast.Constant) and one.value is None for one in test_nodes
    )


def _is_holder_itself(target: ast.AST, spelling: HolderSpelling, function: FunctionNode) -> bool:
    """Return whether *target* is the holder itself, not a local variable of *function*."""
    if isinstance(target, ast.Attribute):
        return _refers_to(target, spelling)
    if not isinstance(target, ast.Name) or not _refers_to(target, spelling):
        return False
    return target.id in _outer_names(function)


@lru_cache(MAX_CACHED_FUNCTIONS)
def _outer_names(function: FunctionNode) -> frozenset[str]:
    """Return the names that *function* declares global or nonlocal."""
    found = (one.names for one in ast.walk(function) if isinstance(one, ast.Global | ast.Nonlocal))
    return frozenset(name for names in found for name in names)
