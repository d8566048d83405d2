"""Finds for the census what functions, methods, partials and `lru_cache` objects refer to."""

from __future__ import annotations

import builtins
import functools
import gc
import sys
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any

from bugsly.introspection.containers import LruCache, named_items, oldest_entries
from bugsly.introspection.type_internals import ThreadLocal
from bugsly.probes.census.object_path import ATTRIBUTE, CLOSURE, DEFAULT, ENTRY, THREAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    ChildEdge = tuple[str, object, Any]

MAX_THREADS = 64
LEAF_TYPE_IDS = frozenset(
    map(
        id,
        (
            *(int, str, bytes, float, bool, complex, type(None), frozenset, range, slice),
            *(property, type(Ellipsis), type(NotImplemented), ModuleType, type(sys.flags)),
            *(BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType),
            *(GetSetDescriptorType, MemberDescriptorType, type(object().__str__)),
        ),
    )
)
"""Types whose objects refer to nothing that may grow; a tuple may, so it is not among them."""


def may_have_children(thing: Any, *, is_app: bool, depth: int = 2) -> bool:
    """Return whether *thing* may have children; most functions have none, and there are many.

    Attributes of a function count only in the application's code, which is what *is_app* says.
    """
    if type(thing) is not FunctionType:
        return True
    held = [*map(_cell_content, thing.__closure__ or ()), *(thing.__defaults__ or ())]
    if any(_may_lead_on(one, is_app=is_app, depth=depth) for one in held):
        return True
    return bool(thing.__kwdefaults__) or (is_app and _has_attributes(thing))


def _may_lead_on(thing: Any, *, is_app: bool, depth: int) -> bool:
    kind = type(thing)
    if id(kind) in LEAF_TYPE_IDS or issubclass(kind, type):
        return False
    return depth == 0 or may_have_children(thing, is_app=is_app, depth=depth - 1)


def _function_children(function: FunctionType) -> Iterable[ChildEdge]:
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        held = _cell_content(cell)
        if not issubclass(type(held), type):
            yield CLOSURE, name, held
    defaults = function.__defaults__ or ()
    first = code.co_argcount - len(defaults)
    for index, value in enumerate(defaults):
        yield DEFAULT, code.co_varnames[first + index], value
    if function.__kwdefaults__:
        for name, value in named_items(function.__kwdefaults__):
            yield DEFAULT, name, value
    if _has_attributes(function):
        for name, value in named_items(function.__dict__):
            yield ATTRIBUTE, name, value


def _has_attributes(function: FunctionType) -> bool:
    """Return whether *function* may have an attribute dictionary; reading it would create one."""
    known = {id(function.__globals__), id(vars(builtins)), id(function.__kwdefaults__)}
    return any(type(held) is dict and id(held) not in known for held in gc.get_referents(function))


def _method_children(method: MethodType) -> Iterable[ChildEdge]:
    return ((ATTRIBUTE, "__self__", method.__self__), (ATTRIBUTE, "__func__", method.__func__))


def _wrapper_children(wrapper: Any) -> Iterable[ChildEdge]:
    return ((ATTRIBUTE, "__func__", wrapper.__func__),)


def _partial_children(call: functools.partial[Any]) -> Iterable[ChildEdge]:
    yield ATTRIBUTE, "func", call.func
    for index, value in enumerate(call.args):
        yield ENTRY, index, value
    for name, value in named_items(call.keywords):
        yield ENTRY, name, value


def _cache_children(cache: Any) -> Iterable[ChildEdge]:
    return [(ATTRIBUTE, name, value) for name, value in named_items(cache.__dict__)]


def _cell_content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _thread_local_children(local: Any) -> Iterable[ChildEdge]:
    """Yield what each thread keeps in a `threading.local`.

    Reading an attribute could create the dictionary of this thread. The garbage collector sees all
    of them: they are in one dictionary, by thread.
    """
    for held in gc.get_referents(local):
        if type(held) is dict:
            for index, (_, kept) in enumerate(oldest_entries(held, MAX_THREADS)):
                if type(kept) is dict:
                    for name, value in named_items(kept):
                        yield THREAD, (index, name), value


_CHILDREN_READERS: dict[int, Callable[[Any], Iterable[ChildEdge]]] = {
    id(FunctionType): _function_children,
    id(MethodType): _method_children,
    id(staticmethod): _wrapper_children,
    id(classmethod): _wrapper_children,
    id(functools.partial): _partial_children,
    id(LruCache): _cache_children,
}


def children_reader(kind: type) -> Callable[[Any], Iterable[ChildEdge]] | None:
    """Return a function that yields the children of a *kind*, None for all other kinds."""
    return _CHILDREN_READERS.get(id(kind)) or (
        _thread_local_children if issubclass(kind, ThreadLocal) else None
    )
