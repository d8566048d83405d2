"""Which of several names a thing is called by: that in the module which defines it."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from pathlib import Path as File
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from bugsly.own import is_own
from bugsly.probes.census import raw
from bugsly.probes.census.path import CLOSURE, DEFAULT, Path, shortened
from bugsly.probes.census.roots import import_name

if TYPE_CHECKING:
    from bugsly.probes.census.path import Fetch

LONGEST_SOURCE = 200_000
"""Characters that are searched."""


def best_path(path: Path, root: Any, fetch: Fetch) -> Path:
    """Return *path* as it begins in the module that defines the thing of its first step.

    `from shop.state import log` gives the list a second name; the source tells which is the first.
    """
    steps = path.steps
    if len(steps) < 2 or not issubclass(type(root), ModuleType):
        return path
    start, first = steps[0], steps[1]
    thing = fetch(root, first.how, first.key)
    home = home_of(thing, first.key, str(start.key))
    if home == start.key:
        return path
    moved = Path(None, "", home)
    for step in steps[1:]:
        moved = Path(moved, step.how, step.key)
    return moved


def name_of(path: Path, root: Any, fetch: Fetch) -> str:
    """Return what *path* is called.

    That is as it reads, but for what a function encloses that no module or class has a name for,
    as most views of an application: there it begins with the function.
    """
    text, owner, thing = "", None, root
    for depth, step in enumerate(path.steps):
        if step.how in {CLOSURE, DEFAULT} and type(thing) is FunctionType:
            is_named = depth == 2 or issubclass(type(owner), type)
            text = text if is_named else f"{thing.__module__}.{thing.__qualname__}"
        text += step.step
        owner, thing = thing, fetch(thing, step.how, step.key) if depth else root
    return shortened(text)


def home_of(thing: Any, name: Any, module: str) -> str:
    """Return which of the modules that call *thing* by *name* defines it, else *module*."""
    others = [
        other
        for other, found in list(sys.modules.items())
        if type(found) is ModuleType and raw.module_dict(found).get(name) is thing
    ]
    if len(others) < 2:
        return module
    if type(thing) is FunctionType or issubclass(type(thing), type):
        said = thing.__module__ if type(thing) is FunctionType else raw.module_of(thing)
        return said if said in others else module
    own = [other for other in others if is_own(file_of(sys.modules.get(other)))] or others
    return next((other for other in own if _assigns(file_of(sys.modules.get(other)), name)), module)


@lru_cache(maxsize=1_000)
def _assigns(file: str, name: str) -> bool:
    """Return whether the source in *file* assigns *name* at its top level."""
    if not file.endswith(".py"):
        return False
    try:
        with File(file).open(encoding="utf-8", errors="replace") as source:
            text = source.read(LONGEST_SOURCE)
    except OSError:
        return False
    return re.search(rf"^{re.escape(name)}\s*(:[^=\n]+)?=(?!=)", text, re.MULTILINE) is not None


def file_of(root: Any) -> str:
    """Return the source of *root*: of a module, or of the one a Flask application is made in."""
    if not issubclass(type(root), ModuleType):
        root = sys.modules.get(import_name(root))
    if not issubclass(type(root), ModuleType):
        return ""
    file = raw.module_dict(root).get("__file__")
    return file if type(file) is str else ""
