"""Finds the containers that outlive requests, what is added to them, and what bounds them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from bugsly_server.check.enclosed_holders import enclosed_binding, usage_of_enclosed
from bugsly_server.check.once import happens_once
from bugsly_server.check.project import Binding, SourceProject
from bugsly_server.check.request_data import varies_by_request
from bugsly_server.check.rule import CheckedCode
from bugsly_server.check.source_module import SourceFunction, SourceModule
from bugsly_server.diagnose.source_analysis.holder_usage import analyse_usage
from bugsly_server.diagnose.source_analysis.mutations import ADDING_METHODS

SEQUENCES = re.compile(r"^(list|collections\.deque|queue\.\w*Queue|asyncio\.Queue)\(\)$")
KEYED = re.compile(r"^(dict|set|collections\.(defaultdict|OrderedDict|Counter|ChainMap))\(\)$")
SIZE_POSITIONS = {"collections": 1, "queue": 0, "asyncio": 0}
"""Which argument of a deque or a queue, by its module, is the largest size."""
QUEUES = ("queue.", "asyncio.", "multiprocessing.")
BOUND_ARGUMENTS = frozenset({"maxlen", "maxsize"})
APPENDING = frozenset({"append", "appendleft", "extend", "extendleft", "insert", "put"})


MAX_KEY_DEPTH = 1
"""Calls from an entry point to where a key is used: further down, it is rather a name of the
application's own, of which there are few, than text of the request."""


class ContainerKind(Enum):
    """How a container takes what is added."""

    SEQUENCE = "sequence"
    """A new entry each time."""
    KEYED = "keyed"
    """A new entry for each new key."""


class HolderAddition(NamedTuple):
    """A node that adds to a container which outlives the request."""

    binding: Binding
    node: ast.expr | ast.stmt
    added: tuple[ast.expr, ...]
    """What is added: values, or keys and values."""


def find_additions(function: SourceFunction, code: CheckedCode) -> Iterator[HolderAddition]:
    """Yield what *function* adds, with a new entry each time, to containers that outlive it."""
    project = code.project
    for node in function.nodes:
        for holder, keys, values in _additions(node):
            binding = project.binding_of(holder, function.module, function) or enclosed_binding(
                holder, function
            )
            kind = None if binding is None else container_kind(binding, project)
            if binding is None or kind is None or not isinstance(node, ast.expr | ast.stmt):
                continue
            if _ends_with_request(binding, function, code) or happens_once(node, function, project):
                continue
            is_new = kind is ContainerKind.SEQUENCE or (
                code.request_functions[id(function)].depth <= MAX_KEY_DEPTH
                and any(varies_by_request(one, function, project) for one in keys)
            )
            if is_new:
                yield HolderAddition(binding, node, (*keys, *values))


def _ends_with_request(binding: Binding, function: SourceFunction, code: CheckedCode) -> bool:
    """Return whether a function that runs for each request makes the container anew."""
    scope = binding.scope
    return scope is not None and scope is not function and id(scope) in code.request_functions


def container_kind(binding: Binding, project: SourceProject) -> ContainerKind | None:
    """Return how *binding* takes what is added; None for what is bounded or no container."""
    match binding.value:
        case ast.List() | ast.ListComp():
            return ContainerKind.SEQUENCE
        case ast.Dict() | ast.Set() | ast.DictComp() | ast.SetComp():
            return ContainerKind.KEYED
        case ast.Call() as call:
            made = project.resolve(call, binding.module, None)
            if SEQUENCES.match(made) and not _is_bounded(made, call):
                return ContainerKind.SEQUENCE
            if KEYED.match(made):
                return ContainerKind.KEYED
    return None


def _is_bounded(made: str, call: ast.Call) -> bool:
    """Return whether *call*, which makes a deque or a queue, is given a largest size."""
    position = SIZE_POSITIONS.get(made.partition(".")[0])
    return any(one.arg in BOUND_ARGUMENTS for one in call.keywords) or (
        position is not None and len(call.args) > position
    )


def _additions(node: ast.AST) -> Iterator[tuple[ast.expr, list[ast.expr], list[ast.expr]]]:
    """Yield each container that *node* adds to, with the keys and the values."""
    match node:
        case ast.Call(func=ast.Attribute(value=holder, attr=method), args=[*given]) if (
            method in ADDING_METHODS
        ):
            yield holder, *_given_to(method, given)
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Slice):
                    yield target.value, [target.slice], [value]
        case ast.AugAssign(target=ast.Subscript(value=holder, slice=key), value=value):
            yield holder, [key], [value]
        case ast.AugAssign(target=ast.Name() as holder, op=ast.Add() | ast.BitOr(), value=value):
            yield holder, [value], [value]


def _given_to(method: str, given: list[ast.expr]) -> tuple[list[ast.expr], list[ast.expr]]:
    """Return the keys and the values that *method* adds when it is called with *given*."""
    if method in APPENDING:
        return [], given
    if method == "update":
        return _updated_keys(given), given
    return given[:1], given[1:]


def _updated_keys(given: list[ast.expr]) -> list[ast.expr]:
    keys: list[ast.expr] = []
    for argument in given:
        if isinstance(argument, ast.Dict):
            keys += [key for key in argument.keys if key is not None]
        else:
            keys.append(argument)
    return keys


def is_emptied(binding: Binding, project: SourceProject) -> bool:
    """Return whether any module removes entries from *binding*, replaces it, or limits it."""
    if binding.scope is not None:
        return usage_of_enclosed(binding, binding.scope).removes_entries
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
        elif f"{binding.module.name}.".startswith(f"{origin}."):
            inner = binding.module.name.removeprefix(origin)
            yield f"{module.name}.{local}{inner}.{binding.path}"


def is_imported_elsewhere(binding: Binding, project: SourceProject) -> bool:
    """Return whether other modules use *binding*, so that its type is not for one to change."""
    return binding.scope is not None or any(
        name in module.text
        for module in project.modules
        if module is not binding.module
        for name in (path.rpartition(".")[2] for path in _paths_in(module, binding))
    )
