"""Finds, in a module's source, the count at which a holder is stopped."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from bugsly_server.diagnose.numbers import UNKNOWN, largest
from bugsly_server.diagnose.touches import Function, Name, adds, last_name, names, removes

SMALLEST = 2


def bound_in(tree: ast.Module, name: Name) -> int | None:
    """Return the count at which the code of *tree* stops the holder, None where nothing does.

    That is a length it is cut to, or one at which it is emptied or not added to; else a number
    that its length is compared with for whatever reason.
    """
    found = [*_cuts(tree, name), *_guards(tree, name)]
    if found:
        return max(found)
    numbers = (largest(one, tree, name.made) for one in _limits(tree, name))
    return min((one for one in numbers if SMALLEST <= one < UNKNOWN), default=None)


def _cuts(tree: ast.Module, name: Name) -> Iterator[int]:
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
            yield largest(edge.operand, tree, name.made)


def _guards(tree: ast.Module, name: Name) -> Iterator[int]:
    """Yield the lengths that the code asks for before it empties the holder, or adds to it."""
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    called = {last_name(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for around in functions:
        if around.name not in called and not around.decorator_list and not _is_magic(around):
            continue
        for node in ast.walk(around):
            if not isinstance(node, ast.If | ast.While):
                continue
            limits = [largest(one, tree, name.made) for one in _limits(node.test, name)]
            if max(limits, default=0) >= SMALLEST and _holds_down(node, around, name, functions):
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
    later = (one for one in ast.walk(around) if getattr(one, "lineno", 0) > node.lineno)
    return leaves and any(adds(one, name) for one in later)


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
