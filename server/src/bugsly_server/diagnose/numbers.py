"""What number an expression in a source stands for, as far as the source tells."""

from __future__ import annotations

import ast
import operator
import sys
from collections.abc import Callable, Collection, Iterator

from bugsly_server.diagnose.touches import Function, last_name, targets_of

UNKNOWN = sys.maxsize
"""Stands for a number that the source does not tell."""
ENDLESS = 0
"""Stands for None and for infinity, which limit nothing."""
DEEPEST = 4
"""Steps from a name to what it is given."""
OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}


def largest(node: ast.AST, tree: ast.Module, made: Collection[int] = (), deep: int = 0) -> int:
    """Return the largest number that *node* may be, by what *tree* gives names and parameters.

    Where instances are concerned that are *made* by calls with these ids, others do not count.
    """
    match node:
        case ast.Constant(value=int() as number):
            return int(number)
        case ast.Constant(value=None) | ast.Attribute(attr="inf"):
            return ENDLESS
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            sides = largest(left, tree, made, deep), largest(right, tree, made, deep)
            return UNKNOWN if UNKNOWN in sides else OPERATORS[type(op)](*sides)
    name = last_name(node)
    if not name or deep == DEEPEST:
        return UNKNOWN
    given = [one for one in _given(name, tree, made) if last_name(one) != name]
    return max((largest(one, tree, made, deep + 1) for one in given), default=UNKNOWN)


def _given(name: str, tree: ast.Module, made: Collection[int]) -> Iterator[ast.expr]:
    """Yield what *tree* gives a variable, an attribute or a parameter called *name*."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            yield from (node.value for one in targets_of(node) if last_name(one) == name)
        elif isinstance(node, ast.ClassDef):
            those = [call for call in calls if last_name(call.func) == node.name]
            these = [call for call in those if id(call) in made]
            for one in node.body:
                if isinstance(one, Function) and one.name == "__init__":
                    yield from _passed(name, one, these or those)
        elif isinstance(node, Function) and node.name != "__init__":
            those = [call for call in calls if last_name(call.func) == node.name]
            yield from _passed(name, node, those)


def _passed(name: str, function: Function, calls: list[ast.Call]) -> Iterator[ast.expr]:
    """Yield what *calls* pass to *function* as its parameter called *name*, or its default."""
    places = [one.arg for one in function.args.args if one.arg not in {"self", "cls"}]
    if name not in {*places, *(one.arg for one in function.args.kwonlyargs)}:
        return
    index = places.index(name) if name in places else len(places)
    for call in calls:
        keyword = next((one.value for one in call.keywords if one.arg == name), None)
        if keyword is not None:
            yield keyword
        elif index < len(call.args):
            yield call.args[index]
        else:
            yield from _default(name, function)


def _default(name: str, function: Function) -> Iterator[ast.expr]:
    places = function.args.args
    with_default = places[len(places) - len(function.args.defaults) :]
    yield from (
        default
        for one, default in [
            *zip(with_default, function.args.defaults, strict=True),
            *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True),
        ]
        if one.arg == name and default is not None
    )
