"""What Python itself knows of a type, asked through its own C descriptors.

A metaclass may answer `__mro__`, `__name__` or `hash()` with code of the application; these
functions never let it. For the same reason types are compared by identity, never looked up.
"""

from __future__ import annotations

from types import GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Getter = Callable[[Any], Any]

_TYPE_DICT: Mapping[str, Any] = vars(type)
mro: Callable[[type], tuple[type, ...]] = _TYPE_DICT["__mro__"].__get__
class_dict: Callable[[type], Mapping[str, Any]] = _TYPE_DICT["__dict__"].__get__
_MODULE_TYPE_DICT: Mapping[str, Any] = vars(ModuleType)
module_dict: Callable[[ModuleType], dict[str, Any]] = _MODULE_TYPE_DICT["__dict__"].__get__
_qualname: Getter = _TYPE_DICT["__qualname__"].__get__
_module: Getter = _TYPE_DICT["__module__"].__get__


def module_of(kind: type) -> str:
    """Return the module *kind* says it comes from, empty where it says nothing sensible."""
    try:
        found = _module(kind)
    except AttributeError:
        return ""
    return found if type(found) is str else ""


def qualname_of(kind: type) -> str:
    """Return the name of *kind* with the classes around it, as `Order.Line`."""
    found = _qualname(kind)
    return found if type(found) is str else "?"


def full_name(kind: type) -> str:
    """Return the name of *kind* with its module, without it for built-in types."""
    module = module_of(kind)
    return qualname_of(kind) if module in {"", "builtins"} else f"{module}.{qualname_of(kind)}"


def dict_getter(kind: type) -> Getter | None:
    """Return what reads the instance dictionary of a *kind*, None where there is none to read."""
    for base in mro(kind):
        found: Any = class_dict(base).get("__dict__")
        if type(found) in {GetSetDescriptorType, MemberDescriptorType}:
            getter: Getter = found.__get__
            return getter
    return None


def slot_getters(kind: type) -> tuple[tuple[str, Getter], ...]:
    """Return the slots of a *kind* that Python made, by name."""
    return tuple(
        (name, found.__get__)
        for base in mro(kind)
        if "__slots__" in class_dict(base)
        for name, found in class_dict(base).items()
        if type(found) is MemberDescriptorType
    )
