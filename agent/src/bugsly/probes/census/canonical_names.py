"""Names containers for the census by the module that defines them, whoever else imports them."""

from __future__ import annotations

import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from bugsly.introspection.definitions import defining_module, module_file
from bugsly.introspection.path_text import shorten
from bugsly.probes.census.census_roots import import_name
from bugsly.probes.census.object_path import CLOSURE, DEFAULT, ObjectPath

if TYPE_CHECKING:
    from bugsly.probes.census.object_path import Fetch


def canonical_path(path: ObjectPath, root: Any, fetch: Fetch) -> ObjectPath:
    """Return *path* beginning in the module that defines its first step.

    `from shop.state import log` gives the list a second name; the source shows which is the first.
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
    """Return the name that is shown for *path*.

    The name of what a function encloses begins with the function, unless a module or a class has a
    name for the function: most views have none.
    """
    text, owner, thing = "", None, root
    for depth, step in enumerate(path.steps):
        if step.edge in {CLOSURE, DEFAULT} and type(thing) is FunctionType:
            is_named = depth == 2 or issubclass(type(owner), type)
            text = text if is_named else f"{thing.__module__}.{thing.__qualname__}"
        text += step.step_text
        owner, thing = thing, fetch(thing, step.edge, step.key) if depth else root
    return shorten(text)


def source_file(root: Any) -> str:
    """Return the file of a module, or of the module that a Flask application was made in."""
    if issubclass(type(root), ModuleType):
        return module_file(root)
    return module_file(sys.modules.get(import_name(root)))
