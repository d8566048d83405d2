"""What functions, methods, partials and caches of functions lead to."""

from __future__ import annotations

import _thread
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

from bugsly.probes.census.containers import LruCache, items
from bugsly.probes.census.path import ATTRIBUTE, CLOSURE, DEFAULT, ENTRY, THREAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Child = tuple[str, object, Any]

ThreadLocal = _thread._local  # noqa: SLF001 - `threading.local`, unless gevent put its own there
LEAVES = frozenset(
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
"""Types that lead nowhere; a tuple does, though it cannot grow."""


def leads(thing: Any, *, own: bool, deep: int = 2) -> bool:
    """Return whether *thing* may lead anywhere; most functions do not, and there are many.

    Attributes of a function are looked for in the application's *own* only.
    """
    if type(thing) is not FunctionType:
        return True
    held = [*map(_content, thing.__closure__ or ()), *(thing.__defaults__ or ())]
    if any(_may_hold(one, own=own, deep=deep) for one in held):
        return True
    return bool(thing.__kwdefaults__) or (own and _has_attributes(thing))


def _may_hold(thing: Any, *, own: bool, deep: int) -> bool:
    kind = type(thing)
    if id(kind) in LEAVES or issubclass(kind, type):
        return False
    return deep == 0 or leads(thing, own=own, deep=deep - 1)


def _of_function(function: FunctionType) -> Iterable[Child]:
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        held = _content(cell)
        if not issubclass(type(held), type):
            yield CLOSURE, name, held
    defaults = function.__defaults__ or ()
    first = code.co_argcount - len(defaults)
    for index, value in enumerate(defaults):
        yield DEFAULT, code.co_varnames[first + index], value
    if function.__kwdefaults__:
        for name, value in items(function.__kwdefaults__):
            yield DEFAULT, name, value
    if _has_attributes(function):
        for name, value in items(function.__dict__):
            yield ATTRIBUTE, name, value


def _has_attributes(function: FunctionType) -> bool:
    """Return whether *function* may have an attribute dictionary, which asking for would make."""
    known = {id(function.__globals__), id(vars(builtins)), id(function.__kwdefaults__)}
    return any(type(held) is dict and id(held) not in known for held in gc.get_referents(function))


def _of_method(method: MethodType) -> Iterable[Child]:
    return ((ATTRIBUTE, "__self__", method.__self__), (ATTRIBUTE, "__func__", method.__func__))


def _of_wrapper(wrapper: Any) -> Iterable[Child]:
    return ((ATTRIBUTE, "__func__", wrapper.__func__),)


def _of_partial(call: functools.partial[Any]) -> Iterable[Child]:
    yield ATTRIBUTE, "func", call.func
    for index, value in enumerate(call.args):
        yield ENTRY, index, value
    for name, value in items(call.keywords):
        yield ENTRY, name, value


def _of_cache(cache: Any) -> Iterable[Child]:
    return [(ATTRIBUTE, name, value) for name, value in items(cache.__dict__)]


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _of_local(local: Any) -> Iterable[Child]:
    """Yield what each thread keeps in a `threading.local`, which asking for would only make.

    It tells the collector a dictionary of these dictionaries, by thread.
    """
    for held in gc.get_referents(local):
        if type(held) is dict:
            for index, (_, kept) in enumerate(items(held)):
                if type(kept) is dict:
                    for name, value in items(kept):
                        yield THREAD, (index, name), value


_SPECIAL: dict[int, Callable[[Any], Iterable[Child]]] = {
    id(FunctionType): _of_function,
    id(MethodType): _of_method,
    id(staticmethod): _of_wrapper,
    id(classmethod): _of_wrapper,
    id(functools.partial): _of_partial,
    id(LruCache): _of_cache,
}


def special(kind: type) -> Callable[[Any], Iterable[Child]] | None:
    """Return what tells where things of a *kind* lead, None for all that are not special."""
    return _SPECIAL.get(id(kind)) or (_of_local if issubclass(kind, ThreadLocal) else None)
