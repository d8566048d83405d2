"""Finds what an object refers to, for the walk in Python; as edges.c does in the walker in C."""

from __future__ import annotations

import gc
from collections import deque
from io import BytesIO
from types import (
    CellType,
    FrameType,
    FunctionType,
    MemberDescriptorType,
    ModuleType,
    TracebackType,
)
from typing import TYPE_CHECKING, Any

from bugsly.heap.walk_result import EdgeKind
from bugsly.introspection import type_internals
from bugsly.introspection.containers import body_attribute
from bugsly.introspection.path_text import is_showable_key
from bugsly.introspection.type_internals import ThreadLocal, read_slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Edge = tuple[EdgeKind, str, Any]
MAX_NAMED_KEYS = 256
IGNORED_TYPE_IDS = frozenset(map(id, (type(None), bool, type(Ellipsis), type(NotImplemented))))
LEAF_NAME_BY_TYPE_ID = {id(str): "str", id(bytes): "bytes", id(int): "int", id(float): "float"}
PLAIN_CONTAINER_IDS = frozenset(map(id, (dict, list, tuple, set, frozenset, deque)))
ITERATED_TYPES = (list, tuple, set, frozenset, deque)
_members_by_type: dict[int, tuple[type, list[tuple[str, type_internals.Getter]]]] = {}
_EXCEPTION_DICT: Any = vars(BaseException)
_EXCEPTION_ATTRIBUTES = ("__traceback__", "__context__", "__cause__", "args")


def edges_of(thing: Any, edge: EdgeKind) -> Iterator[Edge]:
    """Yield the edges of *thing*, named ones first; *edge* is the kind that leads to it."""
    kind = type(thing)
    yield from _named_edges(thing, kind, edge)
    if id(kind) in PLAIN_CONTAINER_IDS or kind is BytesIO:  # whose size has the bytes in it
        return
    yield from _instance_edges(thing, kind)
    for held in gc.get_referents(thing):
        if held is not kind:
            yield _unnamed_edge(thing, held), "", held


def _unnamed_edge(thing: Any, held: Any) -> EdgeKind:
    if type(held) is dict:
        if issubclass(type(thing), type):
            return EdgeKind.NAMES
        return EdgeKind.THREADS if issubclass(type(thing), ThreadLocal) else EdgeKind.BODY
    return EdgeKind.BODY if id(type(held)) in PLAIN_CONTAINER_IDS else EdgeKind.INNER


def _named_edges(thing: Any, kind: type, edge: EdgeKind) -> Iterable[Edge]:
    if issubclass(kind, dict):
        return _dict_edges(thing, edge)
    if issubclass(kind, ITERATED_TYPES):
        base = next(one for one in ITERATED_TYPES if issubclass(kind, one))
        return [(EdgeKind.ENTRY, "", held) for held in base.__iter__(thing)]
    if issubclass(kind, ModuleType):
        return [(EdgeKind.NAMES, "", type_internals.module_dict(thing))]
    if issubclass(kind, BaseException):
        held = ((name, _EXCEPTION_DICT[name].__get__(thing)) for name in _EXCEPTION_ATTRIBUTES)
        return [(EdgeKind.ATTRIBUTE, name, one) for name, one in held]
    return _code_edges(thing, kind)


def _code_edges(thing: Any, kind: type) -> Iterable[Edge]:
    if kind is FunctionType:
        return _function_edges(thing)
    if kind is CellType:
        try:
            return [(EdgeKind.CONTENT, "", thing.cell_contents)]
        except ValueError:
            return []
    if kind is FrameType:
        return [(EdgeKind.LOCAL, name, held) for name, held in thing.f_locals.items()]
    if kind is TracebackType:
        frame, deeper = thing.tb_frame, thing.tb_next
        return [(EdgeKind.ATTRIBUTE, "tb_frame", frame), (EdgeKind.ATTRIBUTE, "tb_next", deeper)]
    return []


def _dict_edges(thing: Any, edge: EdgeKind) -> Iterator[Edge]:
    has_names = edge in {EdgeKind.NAMES, EdgeKind.THREAD}
    has_named_keys = dict.__len__(thing) <= MAX_NAMED_KEYS
    for key, held in dict.items(thing):
        if edge is EdgeKind.THREADS:
            yield EdgeKind.THREAD, "", held
        elif has_names and type(key) is str:
            yield EdgeKind.ATTRIBUTE, key, held
        elif has_named_keys and type(key) is str and is_showable_key(key):
            yield EdgeKind.KEY, key, held
        else:
            yield EdgeKind.ENTRY, "", held
        yield EdgeKind.KEYS, "", key


def _function_edges(function: FunctionType) -> Iterator[Edge]:
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        yield EdgeKind.CLOSURE, name, cell
    defaults = function.__defaults__ or ()
    first = code.co_argcount - len(defaults)
    for index, held in enumerate(defaults):
        yield EdgeKind.DEFAULT, code.co_varnames[first + index], held
    for name, held in (function.__kwdefaults__ or {}).items():
        yield EdgeKind.DEFAULT, name, held
    yield EdgeKind.NAMES, "", function.__dict__


def _instance_edges(thing: Any, kind: type) -> Iterator[Edge]:
    for name, getter in _members(kind):
        yield EdgeKind.ATTRIBUTE, name, read_slot(getter, thing)
    getter_of = None if issubclass(kind, type) else type_internals.dict_getter(kind)
    held = getter_of(thing) if getter_of is not None else None
    if type(held) is dict:
        body_name = body_attribute(kind)
        if body_name in held:
            yield EdgeKind.BODY, body_name, held[body_name]
        yield EdgeKind.NAMES, "", held


def _members(kind: type) -> Iterator[tuple[str, type_internals.Getter]]:
    """Yield the names and readers of the members of a *kind*: slots, and members of C types."""
    if id(kind) not in _members_by_type:
        found = (
            one
            for base in type_internals.mro(kind)
            for one in type_internals.class_dict(base).items()
        )
        members: list[tuple[str, type_internals.Getter]] = [
            (name, one.__get__) for name, one in found if type(one) is MemberDescriptorType
        ]
        _members_by_type[id(kind)] = (kind, members)
    yield from _members_by_type[id(kind)][1]
