"""Finds, for the census and the heap walker, the module that defines a thing."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from bugsly.app_code import is_app_file
from bugsly.introspection import type_internals

MAX_SOURCE_LENGTH = 200_000
"""Characters that are searched."""


def module_file(module: Any) -> str:
    """Return the file that *module* was loaded from, empty for anything that has none."""
    if not issubclass(type(module), ModuleType):
        return ""
    file = type_internals.module_dict(module).get("__file__")
    return file if type(file) is str else ""


def is_defined_elsewhere(thing: Any, module: str) -> bool:
    """Return whether *thing* is a class or function that another module than *module* defines."""
    kind = type(thing)
    if kind is FunctionType:
        defining, name = thing.__module__, thing.__name__
    elif issubclass(kind, type):
        defining, name = type_internals.module_of(thing), type_internals.qualname_of(thing)
    else:
        return False
    if defining == module or type(defining) is not str:
        return False
    found = sys.modules.get(defining)
    return type(found) is ModuleType and type_internals.module_dict(found).get(name) is thing


def defining_module(thing: Any, name: Any, module: str) -> str:
    """Return which of the modules that call *thing* by *name* defines it, else *module*."""
    others = [
        other
        for other, found in list(sys.modules.items())
        if type(found) is ModuleType and type_internals.module_dict(found).get(name) is thing
    ]
    if len(others) < 2:
        return module
    if type(thing) is FunctionType or issubclass(type(thing), type):
        declared = (
            thing.__module__ if type(thing) is FunctionType else type_internals.module_of(thing)
        )
        return declared if declared in others else module
    app_modules = [
        other for other in others if is_app_file(module_file(sys.modules.get(other)))
    ] or others
    return next(
        (
            other
            for other in app_modules
            if _assigns_at_top_level(module_file(sys.modules.get(other)), name)
        ),
        module,
    )


@lru_cache(maxsize=1_000)
def _assigns_at_top_level(file: str, name: str) -> bool:
    """Return whether the source in *file* assigns *name* at its top level."""
    if not file.endswith(".py"):
        return False
    try:
        with Path(file).open(encoding="utf-8", errors="replace") as source:
            text = source.read(MAX_SOURCE_LENGTH)
    except OSError:
        return False
    return re.search(rf"^{re.escape(name)}\s*(:[^=\n]+)?=(?!=)", text, re.MULTILINE) is not None
