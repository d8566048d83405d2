"""Finds the one instance of a class that lives as long as its module."""

from __future__ import annotations

import ast
import re

from bugsly_server.check.source_module import SourceClass, SourceModule


def only_instance(owner: SourceClass, module: SourceModule) -> str | None:
    """Return the name of the only instance of *owner*; None unless *module* makes just one."""
    name = owner.qualified_name
    made = [
        bound
        for bound, values in module.bound.items()
        for value in values
        if isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id == name
    ]
    calls = re.findall(rf"(?<!class )\b{re.escape(name)}\(", module.text)
    return made[0] if len(made) == len(calls) == 1 else None
