"""Which of several names a thing is called by: that in the module which defines it."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from pathlib import Path as File
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from bugsly.app_code import is_app_file
from bugsly.probes.census import type_internals
from bugsly.probes.census.census_roots import import_name
from bugsly.probes.census.object_path import CLOSURE, DEFAULT, ObjectPath, shorten

if TYPE_CHECKING:
    from bugsly.probes.census.object_path import Fetch

MAX_SOURCE_LENGTH = 200_000
"""Characters that are searched."""


def canonical_path(path: ObjectPath, root: Any, fetch: Fetch) -> ObjectPath:
    """Return *path* as it begins in the module that defines the thing of its first step.

    `from shop.state import log` gives the list a second name; the source tells which is the first.
    """
    steps = path.steps
    if len(steps) < 2 or not issubclass(type(root), ModuleType):
        return path
    start, first = steps[0], steps[1]
    thing = fetch(root, first.edge, first.key)
    defining = defining_module(thing, first.key, str(start.key))
    if defining == start.key:
        return path
    renamed = ObjectPath(None, "", defining)
    for step in steps[1:]:
        renamed = ObjectPath(renamed, step.edge, step.key)
    return renamed


def display_name(path: ObjectPath, root: Any, fetch: Fetch) -> str:
    """Return what *path* is called.

    That is as it reads, but for what a function encloses that no module or class has a name for,
    as most views of an application: there it begins with the function.
    """
    text, owner, thing = "", None, root
    for depth, step in enumerate(path.steps):
        if step.edge in {CLOSURE, DEFAULT} and type(thing) is FunctionType:
            is_named = depth == 2 or issubclass(type(owner), type)
            text = text if is_named else f"{thing.__module__}.{thing.__qualname__}"
        text += step.step_text
        owner, thing = thing, fetch(thing, step.edge, step.key) if depth else root
    return shorten(text)


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
        other for other in others if is_app_file(source_file(sys.modules.get(other)))
    ] or others
    return next(
        (
            other
            for other in app_modules
            if _assigns_at_top_level(source_file(sys.modules.get(other)), name)
        ),
        module,
    )


@lru_cache(maxsize=1_000)
def _assigns_at_top_level(file: str, name: str) -> bool:
    """Return whether the source in *file* assigns *name* at its top level."""
    if not file.endswith(".py"):
        return False
    try:
        with File(file).open(encoding="utf-8", errors="replace") as source:
            text = source.read(MAX_SOURCE_LENGTH)
    except OSError:
        return False
    return re.search(rf"^{re.escape(name)}\s*(:[^=\n]+)?=(?!=)", text, re.MULTILINE) is not None


def source_file(root: Any) -> str:
    """Return the source of *root*: of a module, or of the one a Flask application is made in."""
    if not issubclass(type(root), ModuleType):
        root = sys.modules.get(import_name(root))
    if not issubclass(type(root), ModuleType):
        return ""
    file = type_internals.module_dict(root).get("__file__")
    return file if type(file) is str else ""
