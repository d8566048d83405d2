"""Finds the containers that outlive requests, what is added to them, and what bounds them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from bugsly_server.check.project import Binding, Project
from bugsly_server.check.request_data import varies_by_request
from bugsly_server.check.source_module import SourceFunction, SourceModule
from bugsly_server.diagnose.source_analysis.holder_usage import analyse_usage
from bugsly_server.diagnose.source_analysis.mutations import ADDING_METHODS

SEQUENCES = re.compile(r"^(list|collections\.deque|queue\.\w*Queue|asyncio\.Queue)\(\)$")
KEYED = re.compile(
    r"^(dict|set|collections\.(defaultdict|OrderedDict|Counter|ChainMap))\(\)$"
)
QUEUES = ("queue.", "asyncio.", "multiprocessing.")
BOUND_ARGUMENTS = frozenset({"maxlen", "maxsize"})
APPENDING = frozenset({"append", "appendleft", "extend", "extendleft", "insert", "put"})
SEQUENCE, KEYED_KIND = "sequence", "keyed"


class HolderAddition(NamedTuple):
    """A node that adds to a container which outlives the request."""

    binding: Binding
    node: ast.expr | ast.stmt
    added: tuple[ast.expr, ...]
    """What is added: values, or keys and values."""


def find_additions(function: SourceFunction, project: Project) -> Iterator[HolderAddition]:
    """Yield what *function* adds, with a new entry each time, to containers that outlive it."""
    for node in function.nodes:
        for holder, keys, values in _additions(node):
            binding = project.binding_of(holder, function.module, function)
            kind = None if binding is None else container_kind(binding, project)
            if binding is None or kind is None or not isinstance(node, ast.expr | ast.stmt):
                continue
            if happens_once(node, function, project):
                continue
            is_new = kind == SEQUENCE or any(
                varies_by_request(one, function, project) for one in keys
            )
            if is_new:
                yield HolderAddition(binding, node, (*keys, *values))


def container_kind(binding: Binding, project: Project) -> str | None:
    """Return whether *binding* is a sequence or has keys; None for what is bounded or neither."""
    value = binding.value
    match value:
        case ast.List() | ast.ListComp():
            return SEQUENCE
        case ast.Dict() | ast.Set() | ast.DictComp() | ast.SetComp():
            return KEYED_KIND
        case ast.Call(args=args, keywords=keywords):
            found = project.resolve(value, binding.module, None)
            is_bounded = any(one.arg in BOUND_ARGUMENTS for one in keywords) or (
                found.startswith(("collections.deque", "queue.", "asyncio.")) and len(args) > 1
            )
            if found.startswith(("queue.", "asyncio.")) and args:
                is_bounded = True
            if is_bounded:
                return None
            if SEQUENCES.match(found):
                return SEQUENCE
            return KEYED_KIND if KEYED.match(found) else None
    return None


def _additions(node: ast.AST) -> Iterator[tuple[ast.expr, list[ast.expr], list[ast.expr]]]:
    """Yield each container that *node* adds to, with the keys and the values."""
    match node:
        case ast.Call(func=ast.Attribute(value=holder, attr=method), args=[*given]) if (
            method in ADDING_METHODS
        ):
            if method in APPENDING:
                yield holder, [], given
            elif method in {"update", "extend"}:
                yield holder, _updated_keys(given), given
            else:
                yield holder, given[:1], given[1:]
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                match target:
                    case ast.Subscript(value=holder, slice=key) if not isinstance(key, ast.Slice):
                        yield holder, [key], [value]
        case ast.AugAssign(target=ast.Subscript(value=holder, slice=key), value=value):
            yield holder, [key], [value]
        case ast.AugAssign(target=ast.Name() as holder, op=ast.Add() | ast.BitOr(), value=value):
            yield holder, [value], [value]


def _updated_keys(given: list[ast.expr]) -> list[ast.expr]:
    keys: list[ast.expr] = []
    for one in given:
        if isinstance(one, ast.Dict):
            keys += [key for key in one.keys if key is not None]
        else:
            keys.append(one)
    return keys


def happens_once(node: ast.AST, function: SourceFunction, project: Project) -> bool:
    """Return whether *node* runs only while a global is still empty, or at one count of it."""
    for around in function.ancestors(node):
        if not isinstance(around, ast.If):
            continue
        match around.test:
            case ast.UnaryOp(op=ast.Not(), operand=tested):
                pass
            case ast.Compare(
                left=tested, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant()]
            ):
                pass
            case _:
                continue
        if project.binding_of(tested, function.module, function) is not None:
            return True
    return False


def is_emptied(binding: Binding, project: Project) -> bool:
    """Return whether any module removes entries from *binding*, replaces it, or limits it."""
    name = binding.path.rpartition(".")[2]
    is_queue = project.resolve(binding.value, binding.module, None).startswith(QUEUES)
    for module in project.modules:
        if name not in module.text:
            continue
        if is_queue and re.search(rf"\b{re.escape(name)}\.get(_nowait)?\(", module.text):
            return True
        for path in _paths_in(module, binding):
            usage = analyse_usage(module.text, path, module.name)
            if usage.removes_entries or usage.capacity_limit is not None:
                return True
    return False


def _paths_in(module: SourceModule, binding: Binding) -> Iterator[str]:
    """Yield the paths by which *module* would know *binding*."""
    if module is binding.module:
        yield binding.dotted
        return
    first, _, rest = binding.path.partition(".")
    tail = f".{rest}" if rest else ""
    for local, origin in module.imports.items():
        if origin == f"{binding.module.name}.{first}":
            yield f"{module.name}.{local}{tail}"
        elif origin == binding.module.name:
            yield f"{module.name}.{local}.{binding.path}"
