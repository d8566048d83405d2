"""Knows by which dotted names modules import each other, also where several have the same one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from bugsly_server.check.source_module import SourceModule

MAX_OUTER_FOLDERS = 3
"""Folders without `__init__.py` around a module that may be part of its name."""


def module_name(path: Path) -> str:
    """Return the dotted name by which the file *path* is imported from beside its package."""
    packages = [one.name for one in reversed(_packages(path.parent))]
    return ".".join([*packages, *([] if path.stem == "__init__" else [path.stem])]) or path.stem


def _packages(folder: Path) -> tuple[Path, ...]:
    """Return the packages that *folder* is in, innermost first."""
    if not (folder / "__init__.py").is_file() or not folder.name:
        return ()
    return (folder, *_packages(folder.parent))


def index_modules(modules: Sequence[SourceModule]) -> dict[str, SourceModule]:
    """Return *modules* by name; those of one name are renamed, and so are the imports of them."""
    named: dict[str, SourceModule] = {}
    new_names: dict[Path, dict[str, str]] = defaultdict(dict)
    for module in modules:
        if module.name in named:
            new_name = f"{module.name}@{len(named)}"
            new_names[_import_folder(module)][module.name] = new_name
            module.name = new_name
        named[module.name] = module
    for module in modules if new_names else ():
        _rename_imports(module, new_names[_import_folder(module)])
    for module in modules:
        for name in _longer_names(module):
            named.setdefault(name, module)
    return named


def _import_folder(module: SourceModule) -> Path:
    """Return the folder that has to be on Python's path for *module* to be imported."""
    packages = _packages(module.path.parent)
    return packages[-1].parent if packages else module.path.parent


def _rename_imports(module: SourceModule, new_names: dict[str, str]) -> None:
    for local, origin in module.imports.items():
        for name, new_name in new_names.items():
            if origin == name or origin.startswith(f"{name}."):
                module.imports[local] = f"{new_name}{origin.removeprefix(name)}"


def _longer_names(module: SourceModule) -> list[str]:
    """Return the names of *module* if the folders around it are packages without a file."""
    folder = _import_folder(module)
    around = [one.name for one in (folder, *folder.parents) if one.name][:MAX_OUTER_FOLDERS]
    names, name = [], module.name
    for outer in around:
        name = f"{outer}.{name}"
        names.append(name)
    return names
