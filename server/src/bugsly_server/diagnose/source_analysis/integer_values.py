"""Works out the largest number that an expression in a source may be."""

from __future__ import annotations

import ast
import operator
import sys
from collections.abc import Callable, Collection, Iterator

from bugsly_server.diagnose.source_analysis.syntax_trees import (
    FunctionNode,
    last_name,
    targets_of,
)

UNKNOWN_VALUE = sys.maxsize
"""Stands for a number that the source does not reveal."""
NO_LIMIT = 0
"""Stands for None and for infinity, which limit nothing."""
MAX_DEPTH = 8
"""How far to follow an expression to its parts, and a name to its values."""
OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}


class IntegerValues:
    """The values of the names in a *tree*, each looked up once: it may come from an attacker.

    The arguments of a constructor are taken from the calls with the ids *constructor_calls*, if
    there are such calls in the tree.
    """

    def __init__(self, tree: ast.Module, constructor_calls: Collection[int] = ()) -> None:
        self._constructor_calls = constructor_calls
        self._known: dict[str, int] = {}
        self._assigned: dict[str, list[ast.expr]] = {}
        self._calls: dict[str, list[ast.Call]] = {}
        self._parameters: dict[str, list[tuple[str, FunctionNode]]] = {}
        for node in ast.walk(tree):
            self._index(node)

    def max_value(self, node: ast.AST, depth: int = 0) -> int:
        """Return the largest number that *node* may be, or `UNKNOWN_VALUE`."""
        match node:
            case ast.Constant(value=int() as number):
                return int(number)
            case ast.Constant(value=None) | ast.Attribute(attr="inf"):
                return NO_LIMIT
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                if depth >= MAX_DEPTH:
                    return UNKNOWN_VALUE
                sides = self.max_value(left, depth + 1), self.max_value(right, depth + 1)
                return UNKNOWN_VALUE if UNKNOWN_VALUE in sides else OPERATORS[type(op)](*sides)
        name = last_name(node)
        if not name or depth >= MAX_DEPTH:
            return UNKNOWN_VALUE
        if name not in self._known:
            self._known[name] = UNKNOWN_VALUE
            assigned = (one for one in self._values_of(name) if last_name(one) != name)
            numbers = [self.max_value(one, depth + 1) for one in assigned]
            self._known[name] = max(numbers, default=UNKNOWN_VALUE)
        return self._known[name]

    def _index(self, node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            self._calls.setdefault(last_name(node.func), []).append(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in targets_of(node):
                self._assigned.setdefault(last_name(target), []).append(node.value)
        elif isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, FunctionNode) and method.name == "__init__":
                    self._index_parameters(node.name, method)
        elif isinstance(node, FunctionNode) and node.name != "__init__":
            self._index_parameters(node.name, node)

    def _index_parameters(self, called: str, function: FunctionNode) -> None:
        for parameter in (*function.args.args, *function.args.kwonlyargs):
            self._parameters.setdefault(parameter.arg, []).append((called, function))

    def _values_of(self, name: str) -> Iterator[ast.expr]:
        """Yield the values of variables, attributes and parameters called *name*."""
        yield from self._assigned.get(name, ())
        for called, function in self._parameters.get(name, ()):
            calls = self._calls.get(called, [])
            constructors = [call for call in calls if id(call) in self._constructor_calls]
            is_constructed = function.name == "__init__" and constructors
            yield from _passed_values(name, function, constructors if is_constructed else calls)


def _passed_values(name: str, function: FunctionNode, calls: list[ast.Call]) -> Iterator[ast.expr]:
    """Yield what *calls* pass to *function* as its parameter *name*, or the default."""
    positional = [one.arg for one in function.args.args if one.arg not in {"self", "cls"}]
    if name not in {*positional, *(one.arg for one in function.args.kwonlyargs)}:
        return
    index = positional.index(name) if name in positional else len(positional)
    for call in calls:
        keyword = next((one.value for one in call.keywords if one.arg == name), None)
        if keyword is not None:
            yield keyword
        elif index < len(call.args):
            yield call.args[index]
        else:
            yield from _default_value(name, function)


def _default_value(name: str, function: FunctionNode) -> Iterator[ast.expr]:
    parameters = function.args.args
    with_default = parameters[len(parameters) - len(function.args.defaults) :]
    yield from (
        default
        for one, default in [
            *zip(with_default, function.args.defaults, strict=True),
            *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True),
        ]
        if one.arg == name and default is not None
    )
