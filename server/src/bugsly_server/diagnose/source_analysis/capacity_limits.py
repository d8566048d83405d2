"""Finds the number of entries at which the code of a module stops a holder."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from bugsly_server.diagnose.source_analysis.integer_values import UNKNOWN_VALUE, IntegerValues
from bugsly_server.diagnose.source_analysis.mutations import HolderMutations
from bugsly_server.diagnose.source_analysis.syntax_trees import FunctionNode, last_name

MIN_CAPACITY_LIMIT = 2
MAX_GUARDS = 200
"""Comparisons of its length that are examined: a source may come from an attacker."""


def find_capacity_limit(tree: ast.Module, mutations: HolderMutations) -> int | None:
    """Return the count at which the code of *tree* stops the holder, None where nothing does.

    That is a length to which it is cut, or at which it is emptied or no longer added to; otherwise
    any number with which its length is compared.
    """
    values = IntegerValues(tree, mutations.constructor_calls)
    found = [*_slice_limits(tree, mutations, values), *_guard_limits(tree, mutations, values)]
    if found:
        return max(found)
    compared = map(values.max_value, _compared_lengths(tree, mutations))
    return min((one for one in compared if MIN_CAPACITY_LIMIT <= one < UNKNOWN_VALUE), default=None)


def _slice_limits(
    tree: ast.Module, mutations: HolderMutations, values: IntegerValues
) -> Iterator[int]:
    """Yield the lengths to which a slice cuts it: `del log[:-100]`, `log = log[-100:]`."""
    for node in ast.walk(tree):
        match node:
            case ast.Delete(targets=[ast.Subscript(value=held, slice=ast.Slice(upper=edge))]):
                pass
            case ast.Assign(
                targets=[target],
                value=ast.Subscript(value=held, slice=ast.Slice(lower=edge, upper=None)),
            ) if id(target) in mutations.references:
                pass
            case _:
                continue
        if (
            id(held) in mutations.references
            and isinstance(edge, ast.UnaryOp)
            and isinstance(edge.op, ast.USub)
        ):
            yield values.max_value(edge.operand)


def _guard_limits(
    tree: ast.Module, mutations: HolderMutations, values: IntegerValues
) -> Iterator[int]:
    """Yield the lengths that the code checks before it empties the holder, or adds to it."""
    functions = [node for node in ast.walk(tree) if isinstance(node, FunctionNode)]
    called = {last_name(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    checked = 0
    for function in functions:
        if function.name not in called and not function.decorator_list and not _is_dunder(function):
            continue
        for node in ast.walk(function):
            if not isinstance(node, ast.If | ast.While):
                continue
            limits = [values.max_value(one) for one in _compared_lengths(node.test, mutations)]
            if max(limits, default=0) < MIN_CAPACITY_LIMIT:
                continue
            checked += 1
            if checked > MAX_GUARDS:
                return
            if _keeps_short(node, function, mutations, functions):
                yield max(limits)


def _is_dunder(function: FunctionNode) -> bool:
    return function.name.startswith("__")


def _keeps_short(
    node: ast.If | ast.While,
    function: FunctionNode,
    mutations: HolderMutations,
    functions: Sequence[FunctionNode],
) -> bool:
    """Return whether *node*, or a function that it calls, keeps the holder short."""
    inside = [inner for one in (*node.body, *node.orelse) for inner in ast.walk(one)]
    called = {last_name(one.func) for one in inside if isinstance(one, ast.Call)}
    callees = [one for one in functions if one.name in called and one is not function]
    if any(mutations.removes(one, function) for one in inside):
        return True
    if any(mutations.removes(one, callee) for callee in callees for one in ast.walk(callee)):
        return True
    if any(id(one) in mutations.additions for one in inside):
        return True
    exits = any(isinstance(one, ast.Return | ast.Raise) for one in inside)
    return exits and _last_write_line(function, mutations) > node.lineno


def _last_write_line(function: FunctionNode, mutations: HolderMutations) -> int:
    """Return the last line of *function* that adds to the holder, 0 where none does."""
    inside = (one.node for one in mutations.additions.values() if function in one.functions)
    return max((getattr(node, "lineno", 0) for node in inside), default=0)


def _compared_lengths(tree: ast.AST, mutations: HolderMutations) -> Iterator[ast.expr]:
    """Yield the expressions with which *tree* compares the holder's length."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare) or len(node.comparators) != 1:
            continue
        sides = [node.left, node.comparators[0]]
        for length, limit in (sides, reversed(sides)):
            match length:
                case ast.Call(func=ast.Name(id="len"), args=[held]) if (
                    id(held) in mutations.references
                ):
                    yield limit
