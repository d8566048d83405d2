"""Where a census begins: the application's modules, then everybody else's, then the app itself."""

from __future__ import annotations

from types import MethodType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from bugsly.own import is_own
from bugsly.probes.census import raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NEVER = frozenset(
    {"sys", "builtins", "gc", "importlib", "encodings", "__future__", "bugsly", "zipimport"}
    | {"_frozen_importlib", "_frozen_importlib_external"}
)
"""The interpreter's own books, and ours. `sys.modules` grows with every import, and so on."""
MOST_MODULES = 20_000


class Root(NamedTuple):
    """A thing to begin with, by name; *own* where it is the application's, worth a closer look."""

    name: str
    own: bool


def apps(served: Iterable[object]) -> dict[str, Any]:
    """Return the applications that are *served*, of a method its object, by a name for each.

    The name is no module's: `shop:app`.
    """
    found: dict[str, Any] = {}
    for one in served:
        thing = one.__self__ if type(one) is MethodType else one
        if not any(thing is other for other in found.values()):
            number = len(found) + 1 if found else ""
            found[f"{import_name(thing) or 'wsgi'}:app{number}"] = thing
    return found


def packages_of(found: Mapping[str, Any]) -> frozenset[str]:
    """Return the packages that the Flask applications among *found* say they are made in."""
    names = map(import_name, found.values())
    return frozenset(name.partition(".")[0] for name in names if name)


def import_name(app: Any) -> str:
    """Return the module that a Flask application says it is made in, empty for anything else."""
    getter = raw.dict_getter(type(app))
    held = getter(app) if getter is not None else None
    name = held.get("import_name") if type(held) is dict else None
    return name if type(name) is str else ""


class Roots:
    """The *modules* there are, told apart."""

    def __init__(self, modules: Mapping[str, Any]) -> None:
        self._modules = modules
        self._is_own: dict[str, bool] = {}

    def is_own(self, name: str) -> bool:
        """Return whether the root called *name* is the application's; an app itself is."""
        return self._is_own.get(name, True)

    def modules(self, packages: frozenset[str]) -> Iterator[Root | None]:
        """Yield the modules that are worth a look, those of *packages* and other own ones first.

        Yields None in between, where it takes a while.
        """
        names = list(self._modules)[:MOST_MODULES]
        others = []
        for index, name in enumerate(names):
            if index % 64 == 0:
                yield None
            root = self._root(name, packages)
            if root is None:
                continue
            if root.own:
                yield root
            else:
                others.append(name)
        for name in others:
            yield self._root(name, packages)

    def _root(self, name: str, packages: frozenset[str]) -> Root | None:
        module: Any = self._modules.get(name)
        package = name.partition(".")[0] if type(name) is str else "sys"
        if package in NEVER or not issubclass(type(module), ModuleType):
            return None
        own = self._is_own.get(name)
        if own is None:
            file = raw.module_dict(module).get("__file__")
            own = self._is_own[name] = is_own(file) or package in packages
        return Root(name, own)
