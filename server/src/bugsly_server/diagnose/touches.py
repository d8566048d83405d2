"""How source spells a holder, and what it does to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeGuard

ADDS = frozenset(
    {"append", "appendleft", "add", "extend", "extendleft", "insert", "update", "setdefault"}
    | {"push", "put", "put_nowait", "set", "register", "__setitem__"}
)
REMOVES = frozenset({"pop", "popleft", "popitem", "remove", "discard", "clear", "get_nowait"})
PUSHES = frozenset({"heappush", "insort", "insort_left", "insort_right"})
"""Functions that add to their first argument."""
PULLS = frozenset({"heappop"})
"""Functions that take out of their first argument."""
BEGINS = frozenset({"__init__", "__new__", "__post_init__", "__setstate__"})
"""Methods that make the holder, and make nothing anew."""
VARIABLES = frozenset({"<closure>", "<default>", "<local>"})
"""What a path says of a variable of a function."""
KEPT_FUNCTIONS = 64
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Name:
    """How source may spell a holder: `log` and `views.log`, or `self.seen`."""

    last: str
    owner: str
    """The function whose closure or default it is, empty for all others."""
    is_bare: bool
    """Whether it may stand there without a dot before it."""
    within: str = ""
    """What it is an attribute of: an instance, or a class."""
    selves: frozenset[int] = frozenset()
    """Ids of the nodes that spell it within its own class, which is a container."""
    foreign: frozenset[int] = frozenset()
    """Ids of the nodes `self` and `cls` in classes whose attributes are others'."""
    made: frozenset[int] = frozenset()
    """Ids of the calls that make what it is an attribute of."""

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
            within=parts[-2] if len(parts) > 1 and not is_variable else "",
        )

    def known_in(self, tree: ast.Module) -> Name:
        """Return it with what `self` stands for in the classes of *tree*."""
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        makers = makers_of(self.within, tree) if self.within else []
        mine = {last_name(call.func) for call in makers_of(self.last, tree)}
        theirs = {self.within, *(last_name(call.func) for call in makers)}
        owners = [one for one in classes if one.name in theirs]
        bases = {last_name(base) for one in owners for base in one.bases}
        others = [one for one in classes if one not in owners and one.name not in bases]
        return replace(
            self,
            selves=frozenset(id(node) for one in classes if one.name in mine for node in _me(one)),
            foreign=frozenset(id(node) for one in others if owners for node in _me(one)),
            made=frozenset(map(id, makers)),
        )


def makers_of(called: str, tree: ast.Module) -> list[ast.Call]:
    """Return the calls that make what is *called* so: `Cache()` in `log = Cache()`."""
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Call)
        and any(last_name(target) == called for target in targets_of(node))
    ]


def _me(kind: ast.ClassDef) -> Iterator[ast.AST]:
    """Yield what stands for an instance, or for the class, in the code of *kind*."""
    for node in ast.walk(kind):
        is_super = isinstance(node, ast.Call) and last_name(node.func) == "super"
        if is_super or (isinstance(node, ast.Name) and node.id in {"self", "cls"}):
            yield node


def targets_of(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    """Return what *node* assigns to."""
    return list(node.targets) if isinstance(node, ast.Assign) else [node.target]


def names(node: ast.AST, name: Name) -> bool:
    """Return whether *node* spells the holder: `log`, `views.log`, `self.seen`, `log[key]`."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if id(node) in name.selves:
        return True
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in {"setdefault", "get"} and names(node.func.value, name)
    if isinstance(node, ast.Name):
        return name.is_bare and node.id == name.last
    if name.owner or not isinstance(node, ast.Attribute) or id(node.value) in name.foreign:
        return False
    return node.attr.lstrip("_") == name.last.lstrip("_")


def adds(node: ast.AST, name: Name) -> bool:
    """Return whether *node* adds to the holder."""
    match node:
        case ast.Call(func=ast.Attribute(value=holder, attr=verb)):
            return (verb in ADDS and names(holder, name)) or _pushes(node, name)
        case ast.Call():
            return _pushes(node, name)
        case ast.Assign(targets=targets):
            return any(isinstance(one, ast.Subscript) and names(one.value, name) for one in targets)
        case ast.AugAssign(target=target, op=ast.Add() | ast.BitOr()):
            return names(target, name) or (
                isinstance(target, ast.Subscript) and names(target.value, name)
            )
    return False


def _pushes(call: ast.Call, name: Name) -> bool:
    return last_name(call.func) in PUSHES and bool(call.args) and names(call.args[0], name)


def removes(node: ast.AST, name: Name, around: Function | None) -> bool:
    """Return whether *node*, in the function *around* it, takes entries out of the holder."""
    match node:
        case ast.Call(func=ast.Attribute(value=holder, attr=verb)) if verb in REMOVES:
            return names(holder, name)
        case ast.Call(func=called, args=[holder, *_]):
            return last_name(called) in PULLS and names(holder, name)
        case ast.Delete(targets=targets):
            return any(isinstance(one, ast.Subscript) and names(one.value, name) for one in targets)
        case ast.Assign(targets=[ast.Subscript(value=holder, slice=ast.Slice())]):
            return names(holder, name)
        case ast.Assign():
            return around is not None and _renews(node, name, around)
    return False


def _renews(node: ast.Assign, name: Name, around: Function) -> bool:
    """Return whether *node* puts another in the holder's place, with less in it or nothing."""
    targets = [
        one
        for target in node.targets
        for one in (target.elts if isinstance(target, ast.Tuple) else [target])
    ]
    is_renewed = any(_is_whole(one, name, around) for one in targets)
    joins = any(isinstance(one, ast.BinOp | ast.Starred) for one in ast.walk(node.value))
    if not is_renewed or joins or around.name in BEGINS:
        return False
    return not any(_asks_whether_it_is(one) and node in one.body for one in ast.walk(around))


def _asks_whether_it_is(node: ast.AST) -> TypeGuard[ast.If]:
    """Return whether *node* lets be made what is not there yet: `if not hasattr(here, "log")`."""
    if not isinstance(node, ast.If):
        return False
    asked = list(ast.walk(node.test))
    calls = any(isinstance(one, ast.Call) and last_name(one.func) == "hasattr" for one in asked)
    return calls or any(isinstance(one, ast.Constant) and one.value is None for one in asked)


def _is_whole(target: ast.AST, name: Name, around: Function) -> bool:
    """Return whether *target* is the holder itself, and not a variable of *around*'s own."""
    if isinstance(target, ast.Attribute):
        return names(target, name)
    if not isinstance(target, ast.Name) or not names(target, name):
        return False
    return target.id in _shared(around)


@lru_cache(KEPT_FUNCTIONS)
def _shared(around: Function) -> frozenset[str]:
    """Return the names that are not *around*'s own although it gives them something."""
    found = (one.names for one in ast.walk(around) if isinstance(one, ast.Global | ast.Nonlocal))
    return frozenset(name for names in found for name in names)


def last_name(node: ast.AST) -> str:
    """Return `c` of `c` and of `a.b.c`; empty for all else."""
    return str(getattr(node, "attr", getattr(node, "id", "")))
