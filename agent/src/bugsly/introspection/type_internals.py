"""Reads types and their instances through the C descriptors that Python made for them.

A metaclass of the application's may define `__mro__`, `__name__` or `__hash__`; these functions
never run its code. For the same reason types are compared by identity, never by hash or `==`.
"""

from __future__ import annotations

import _thread
from types import GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Getter = Callable[[Any], Any]

ThreadLocal = _thread._local  # noqa: SLF001 - gevent replaces the name in `threading`
_TYPE_DICT: Mapping[str, Any] = vars(type)
mro: Callable[[type], tuple[type, ...]] = _TYPE_DICT["__mro__"].__get__
class_dict: Callable[[type], Mapping[str, Any]] = _TYPE_DICT["__dict__"].__get__
_MODULE_TYPE_DICT: Mapping[str, Any] = vars(ModuleType)
module_dict: Callable[[ModuleType], dict[str, Any]] = _MODULE_TYPE_DICT["__dict__"].__get__
_qualname: Getter = _TYPE_DICT["__qualname__"].__get__
_module: Getter = _TYPE_DICT["__module__"].__get__


def module_of(kind: type) -> str:
    """Return the module *kind* says it comes from, empty where that is no string."""
    try:
        found = _module(kind)
    except AttributeError:
        return ""
    return found if type(found) is str else ""


def qualname_of(kind: type) -> str:
    """Return the name of *kind* with those of the classes around it: `Order.Line`."""
    found = _qualname(kind)
    return found if type(found) is str else "?"


def full_name(kind: type) -> str:
    """Return the name of *kind* with its module, without it for built-in types."""
    module = module_of(kind)
    return qualname_of(kind) if module in {"", "builtins"} else f"{module}.{qualname_of(kind)}"


def dict_getter(kind: type) -> Getter | None:
    """Return a reader of the instance dictionary of a *kind*, None where there is none."""
    for base in mro(kind):
        found: Any = class_dict(base).get("__dict__")
        if type(found) in {GetSetDescriptorType, MemberDescriptorType}:
            getter: Getter = found.__get__
            return getter
    return None


def slot_getters(kind: type) -> tuple[tuple[str, Getter], ...]:
    """Return the names and readers of the slots that `__slots__` declared in a *kind*."""
    return tuple(
        (name, found.__get__)
        for base in mro(kind)
        if "__slots__" in class_dict(base)
        for name, found in class_dict(base).items()
        if type(found) is MemberDescriptorType
    )


def read_slot(getter: Getter, thing: Any) -> Any:
    """Return what a slot of *thing* holds, None where it is empty."""
    try:
        return getter(thing)
    except AttributeError:
        return None
