"""Finds, in a module's source, the count at which a holder is stopped."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import lru_cache

from bugsly_server.diagnose.numbers import UNKNOWN, Numbers
from bugsly_server.diagnose.touches import (
    KEPT_FUNCTIONS,
    Function,
    Name,
    adds,
    last_name,
    names,
    removes,
)

SMALLEST = 2
MOST_GUARDS = 200
"""Questions for its length that are looked at: a source may come from anybody."""


def bound_in(tree: ast.Module, name: Name) -> int | None:
    """Return the count at which the code of *tree* stops the holder, None where nothing does.

    That is a length it is cut to, or one at which it is emptied or not added to; else a number
    that its length is compared with for whatever reason.
    """
    numbers = Numbers(tree, name.made)
    found = [*_cuts(tree, name, numbers), *_guards(tree, name, numbers)]
    if found:
        return max(found)
    compared = map(numbers.largest, _limits(tree, name))
    return min((one for one in compared if SMALLEST <= one < UNKNOWN), default=None)


def _cuts(tree: ast.Module, name: Name, numbers: Numbers) -> Iterator[int]:
    """Yield the lengths that it is cut to by a slice: `del log[:-100]`, `log = log[-100:]`."""
    for node in ast.walk(tree):
        match node:
            case ast.Delete(targets=[ast.Subscript(value=held, slice=ast.Slice(upper=edge))]):
                pass
            case ast.Assign(
                targets=[target],
                value=ast.Subscript(value=held, slice=ast.Slice(lower=edge, upper=None)),
            ) if names(target, name):
                pass
            case _:
                continue
        if names(held, name) and isinstance(edge, ast.UnaryOp) and isinstance(edge.op, ast.USub):
            yield numbers.largest(edge.operand)


def _guards(tree: ast.Module, name: Name, numbers: Numbers) -> Iterator[int]:
    """Yield the lengths that the code asks for before it empties the holder, or adds to it."""
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    called = {last_name(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    asked = 0
    for around in functions:
        if around.name not in called and not around.decorator_list and not _is_magic(around):
            continue
        for node in ast.walk(around):
            if not isinstance(node, ast.If | ast.While):
                continue
            limits = [numbers.largest(one) for one in _limits(node.test, name)]
            if max(limits, default=0) < SMALLEST:
                continue
            asked += 1
            if asked > MOST_GUARDS:
                return
            if _holds_down(node, around, name, functions):
                yield max(limits)


def _is_magic(function: Function) -> bool:
    return function.name.startswith("__")


def _holds_down(
    node: ast.If | ast.While, around: Function, name: Name, functions: Sequence[Function]
) -> bool:
    """Return whether what *node* does, or lets be done, keeps the holder short."""
    inside = [inner for one in (*node.body, *node.orelse) for inner in ast.walk(one)]
    called = {last_name(one.func) for one in inside if isinstance(one, ast.Call)}
    steps = [one for one in functions if one.name in called and one is not around]
    if any(removes(one, name, around) for one in inside):
        return True
    if any(removes(one, name, step) for step in steps for one in ast.walk(step)):
        return True
    if any(adds(one, name) for one in inside):
        return True
    leaves = any(isinstance(one, ast.Return | ast.Raise) for one in inside)
    return leaves and _last_added(around, name) > node.lineno


@lru_cache(KEPT_FUNCTIONS)
def _last_added(around: Function, name: Name) -> int:
    """Return the last line of *around* that adds to the holder, 0 where none does."""
    return max(
        (getattr(one, "lineno", 0) for one in ast.walk(around) if adds(one, name)), default=0
    )


def _limits(tree: ast.AST, name: Name) -> Iterator[ast.expr]:
    """Yield what the holder's length is compared with in *tree*."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare) or len(node.comparators) != 1:
            continue
        sides = [node.left, node.comparators[0]]
        for length, limit in (sides, reversed(sides)):
            match length:
                case ast.Call(func=ast.Name(id="len"), args=[held]) if names(held, name):
                    yield limit
