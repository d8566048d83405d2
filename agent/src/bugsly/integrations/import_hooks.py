"""Calls back when a module is imported, so that we need not import it ourselves."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # type checkers know the name; importing typing costs 5 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

    from bugsly.guard import Guard

    Callback = Callable[[ModuleType], None]


def when_imported(name: str, callback: Callback, guard: Guard) -> None:
    """Call *callback* with the module *name*: now if it is imported, else after its import."""
    if name in sys.modules:
        with guard:
            callback(sys.modules[name])
    else:
        sys.meta_path.insert(0, _ImportWatcher(name, callback, guard))


class _ImportWatcher:
    """A finder that has the other finders find one module, and removes itself once it has run."""

    def __init__(self, name: str, callback: Callback, guard: Guard) -> None:
        self._name = name
        self._callback = callback
        self._guard = guard
        self._is_searching = False

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of the other finders, with a loader that reports when it is done."""
        if fullname != self._name or self._is_searching:
            return None
        from importlib.util import find_spec

        self._is_searching = True
        try:
            spec = find_spec(fullname)
        finally:
            self._is_searching = False
        if spec is not None and spec.loader is not None:
            spec.loader = _WatchedLoader(spec.loader, self)  # type: ignore[assignment]
        return spec

    def on_loaded(self, module: ModuleType) -> None:
        """Call back, once."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
            with self._guard:
                self._callback(module)


class _WatchedLoader:
    """Loads one module by its own loader, and restores that loader at once."""

    def __init__(self, loader: Any, watcher: _ImportWatcher) -> None:
        self._loader = loader
        self._watcher = watcher

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return what the module's own loader creates for *spec*."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run *module*, and report when it has run to its end."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._watcher.on_loaded(module)
