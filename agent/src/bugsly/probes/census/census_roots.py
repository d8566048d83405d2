"""Lists the roots of the census: modules of the application, of libraries, then applications."""

from __future__ import annotations

from types import MethodType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from bugsly.app_code import is_app_file
from bugsly.introspection import type_internals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

EXCLUDED_PACKAGES = frozenset(
    {"sys", "builtins", "gc", "importlib", "encodings", "__future__", "bugsly", "zipimport"}
    | {"_frozen_importlib", "_frozen_importlib_external"}
)
"""The interpreter's registries, which grow with every import, and the agent's."""
MAX_MODULES = 20_000


class CensusRoot(NamedTuple):
    """The name of a root; one that *is_app* is the application's and is read more closely."""

    name: str
    is_app: bool


def applications_by_name(served: Iterable[object]) -> dict[str, Any]:
    """Return the *served* applications by names such as `shop:app`, which no module has.

    For a bound method it returns its object.
    """
    found: dict[str, Any] = {}
    for application in served:
        thing = application.__self__ if type(application) is MethodType else application
        if not any(thing is other for other in found.values()):
            number = len(found) + 1 if found else ""
            found[f"{import_name(thing) or 'wsgi'}:app{number}"] = thing
    return found


def flask_packages(applications: Mapping[str, Any]) -> frozenset[str]:
    """Return the packages in which the Flask applications among *applications* were made."""
    names = map(import_name, applications.values())
    return frozenset(name.partition(".")[0] for name in names if name)


def import_name(app: Any) -> str:
    """Return the module that a Flask application was made in, empty for anything else."""
    getter = type_internals.dict_getter(type(app))
    held = getter(app) if getter is not None else None
    name = held.get("import_name") if type(held) is dict else None
    return name if type(name) is str else ""


class ModuleRoots:
    """Sorts *modules* into those of the application and those of libraries."""

    def __init__(self, modules: Mapping[str, Any]) -> None:
        self._modules = modules
        self._is_app_by_name: dict[str, bool] = {}

    def is_app(self, name: str) -> bool:
        """Return whether the root *name* is a module of the application, or an application."""
        return self._is_app_by_name.get(name, True)

    def modules(self, packages: frozenset[str]) -> Iterator[CensusRoot | None]:
        """Yield the modules to read, those of *packages* and of the application first.

        Yields None now and then, so that the caller can check the clock.
        """
        names = list(self._modules)[:MAX_MODULES]
        others = []
        for index, name in enumerate(names):
            if index % 64 == 0:
                yield None
            root = self._root(name, packages)
            if root is None:
                continue
            if root.is_app:
                yield root
            else:
                others.append(name)
        for name in others:
            yield self._root(name, packages)

    def _root(self, name: str, packages: frozenset[str]) -> CensusRoot | None:
        module: Any = self._modules.get(name)
        package = name.partition(".")[0] if type(name) is str else "sys"
        if package in EXCLUDED_PACKAGES or not issubclass(type(module), ModuleType):
            return None
        is_app = self._is_app_by_name.get(name)
        if is_app is None:
            file = type_internals.module_dict(module).get("__file__")
            is_app = self._is_app_by_name[name] = is_app_file(file) or package in packages
        return CensusRoot(name, is_app)
