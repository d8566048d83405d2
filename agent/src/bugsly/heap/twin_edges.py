"""Where an object leads, for the walker in Python: as the edges.c of the one in C tells it."""

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

from bugsly.heap.groups import How
from bugsly.probes.census import raw
from bugsly.probes.census.callables import ThreadLocal
from bugsly.probes.census.containers import body_of
from bugsly.probes.census.path import is_shown
from bugsly.probes.census.reach import read_slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Edge = tuple[How, str, Any]
MOST_NAMED = 256
NOTHING = frozenset(map(id, (type(None), bool, type(Ellipsis), type(NotImplemented))))
LEAF_NAMES = {id(str): "str", id(bytes): "bytes", id(int): "int", id(float): "float"}
PLAIN = frozenset(map(id, (dict, list, tuple, set, frozenset, deque)))
LISTED = (list, tuple, set, frozenset, deque)
_known: dict[int, tuple[type, list[tuple[str, raw.Getter]]]] = {}
_of_exception: Any = vars(BaseException)
_EXCEPTION = ("__traceback__", "__context__", "__cause__", "args")


def edges(thing: Any, how: How) -> Iterator[Edge]:
    """Yield the steps from *thing*, which *how* leads to: those with a name first."""
    kind = type(thing)
    yield from _named(thing, kind, how)
    if id(kind) in PLAIN or kind is BytesIO:  # whose size has the bytes in it
        return
    yield from _of_instance(thing, kind)
    for held in gc.get_referents(thing):
        if held is not kind:
            yield _rest(thing, held), "", held


def _rest(thing: Any, held: Any) -> How:
    if type(held) is dict:
        if issubclass(type(thing), type):
            return How.NAMES
        return How.THREADS if issubclass(type(thing), ThreadLocal) else How.BODY
    return How.BODY if id(type(held)) in PLAIN else How.INNER


def _named(thing: Any, kind: type, how: How) -> Iterable[Edge]:
    if issubclass(kind, dict):
        return _of_dict(thing, how)
    if issubclass(kind, LISTED):
        base = next(one for one in LISTED if issubclass(kind, one))
        return [(How.ENTRY, "", held) for held in base.__iter__(thing)]
    if issubclass(kind, ModuleType):
        return [(How.NAMES, "", raw.module_dict(thing))]
    if issubclass(kind, BaseException):
        held = ((name, _of_exception[name].__get__(thing)) for name in _EXCEPTION)
        return [(How.ATTRIBUTE, name, one) for name, one in held]
    return _of_code(thing, kind)


def _of_code(thing: Any, kind: type) -> Iterable[Edge]:
    if kind is FunctionType:
        return _of_function(thing)
    if kind is CellType:
        try:
            return [(How.CONTENT, "", thing.cell_contents)]
        except ValueError:
            return []
    if kind is FrameType:
        return [(How.LOCAL, name, held) for name, held in thing.f_locals.items()]
    if kind is TracebackType:
        frame, deeper = thing.tb_frame, thing.tb_next
        return [(How.ATTRIBUTE, "tb_frame", frame), (How.ATTRIBUTE, "tb_next", deeper)]
    return []


def _of_dict(thing: Any, how: How) -> Iterator[Edge]:
    names, few = how in {How.NAMES, How.THREAD}, dict.__len__(thing) <= MOST_NAMED
    for key, held in dict.items(thing):
        if how is How.THREADS:
            yield How.THREAD, "", held
        elif names and type(key) is str:
            yield How.ATTRIBUTE, key, held
        elif few and type(key) is str and is_shown(key):
            yield How.KEY, key, held
        else:
            yield How.ENTRY, "", held
        yield How.KEYS, "", key


def _of_function(function: FunctionType) -> Iterator[Edge]:
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        yield How.CLOSURE, name, cell
    defaults = function.__defaults__ or ()
    first = code.co_argcount - len(defaults)
    for index, held in enumerate(defaults):
        yield How.DEFAULT, code.co_varnames[first + index], held
    for name, held in (function.__kwdefaults__ or {}).items():
        yield How.DEFAULT, name, held
    yield How.NAMES, "", function.__dict__


def _of_instance(thing: Any, kind: type) -> Iterator[Edge]:
    for name, getter in _members(kind):
        yield How.ATTRIBUTE, name, read_slot(getter, thing)
    getter_of = None if issubclass(kind, type) else raw.dict_getter(kind)
    held = getter_of(thing) if getter_of is not None else None
    if type(held) is dict:
        body = body_of(kind)
        if body in held:
            yield How.BODY, body, held[body]
        yield How.NAMES, "", held


def _members(kind: type) -> Iterator[tuple[str, raw.Getter]]:
    """Yield what reads the members of a *kind*, slots and those of C types, by name."""
    if id(kind) not in _known:
        found = (one for base in raw.bases(kind) for one in raw.class_dict(base).items())
        members: list[tuple[str, raw.Getter]] = [
            (name, one.__get__) for name, one in found if type(one) is MemberDescriptorType
        ]
        _known[id(kind)] = (kind, members)
    yield from _known[id(kind)][1]
