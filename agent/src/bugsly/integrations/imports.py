"""Calls back when a module is imported, so that we need not import it first."""

from __future__ import annotations

import importlib.util
import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from bugsly.guard import Guard

    Callback = Callable[[ModuleType], None]


def when_imported(name: str, callback: Callback, guard: Guard) -> None:
    """Call *callback* with the module *name*: now if it is there, else right after its import."""
    if name in sys.modules:
        with guard:
            callback(sys.modules[name])
    else:
        sys.meta_path.insert(0, _Watcher(name, callback, guard))


class _Watcher(MetaPathFinder):
    """Stands first in line for one module, lets the others find it, and goes."""

    def __init__(self, name: str, callback: Callback, guard: Guard) -> None:
        self._name = name
        self._callback = callback
        self._guard = guard

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec the other finders give for our module, to be told when it has run."""
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            self._follow(spec)
        return spec

    def _follow(self, spec: ModuleSpec) -> None:
        loader = spec.loader
        if loader is None:
            return
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            with self._guard:
                self._callback(module)

        loader.exec_module = exec_module  # type: ignore[method-assign]
