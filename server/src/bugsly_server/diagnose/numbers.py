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
DEEPEST = 8
"""Steps from an expression to its parts, and from a name to what it is given."""
OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}


class Numbers:
    """What the names in a *tree* stand for, each looked up once: a tree may come from anybody.

    Where instances are concerned that are *made* by calls with these ids, others do not count.
    """

    def __init__(self, tree: ast.Module, made: Collection[int] = ()) -> None:
        self._made = made
        self._known: dict[str, int] = {}
        self._given: dict[str, list[ast.expr]] = {}
        self._calls: dict[str, list[ast.Call]] = {}
        self._takers: dict[str, list[tuple[str, Function]]] = {}
        for node in ast.walk(tree):
            self._note(node)

    def largest(self, node: ast.AST, deep: int = 0) -> int:
        """Return the largest number that *node* may be."""
        match node:
            case ast.Constant(value=int() as number):
                return int(number)
            case ast.Constant(value=None) | ast.Attribute(attr="inf"):
                return ENDLESS
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                if deep >= DEEPEST:
                    return UNKNOWN
                sides = self.largest(left, deep + 1), self.largest(right, deep + 1)
                return UNKNOWN if UNKNOWN in sides else OPERATORS[type(op)](*sides)
        name = last_name(node)
        if not name or deep >= DEEPEST:
            return UNKNOWN
        if name not in self._known:
            self._known[name] = UNKNOWN
            given = (one for one in self._values(name) if last_name(one) != name)
            numbers = [self.largest(one, deep + 1) for one in given]
            self._known[name] = max(numbers, default=UNKNOWN)
        return self._known[name]

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            self._calls.setdefault(last_name(node.func), []).append(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in targets_of(node):
                self._given.setdefault(last_name(target), []).append(node.value)
        elif isinstance(node, ast.ClassDef):
            for one in node.body:
                if isinstance(one, Function) and one.name == "__init__":
                    self._note_taker(node.name, one)
        elif isinstance(node, Function) and node.name != "__init__":
            self._note_taker(node.name, node)

    def _note_taker(self, called: str, function: Function) -> None:
        for one in (*function.args.args, *function.args.kwonlyargs):
            self._takers.setdefault(one.arg, []).append((called, function))

    def _values(self, name: str) -> Iterator[ast.expr]:
        """Yield what a variable, an attribute or a parameter called *name* is given."""
        yield from self._given.get(name, ())
        for called, function in self._takers.get(name, ()):
            those = self._calls.get(called, [])
            these = [call for call in those if id(call) in self._made]
            is_made = function.name == "__init__" and these
            yield from _passed(name, function, these if is_made else those)


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
