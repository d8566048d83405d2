"""What goes wrong: one family of errors a file, each with its `RULES` inside."""

from __future__ import annotations

import pkgutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module

from bugsly_server.explain.errors.rule import Rule

FAMILIES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@cache
def rules() -> Mapping[str, Sequence[Rule]]:
    """Return all rules by the name of the exception, in the order of files and lines."""
    found: dict[str, list[Rule]] = defaultdict(list)
    for family in FAMILIES:
        for rule in import_module(f"{__name__}.{family}").RULES:
            for name in dict.fromkeys(one.rpartition(".")[2] for one in rule.types):
                found[name].append(rule)
    return found
