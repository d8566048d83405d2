"""All rules: each module explains one family of errors and lists its `RULES`."""

from __future__ import annotations

import pkgutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module

from bugsly_server.explain.errors.rule import ErrorRule

RULE_MODULES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@cache
def rules_by_exception() -> Mapping[str, Sequence[ErrorRule]]:
    """Return all rules by the name of the exception, in the order of files and lines.

    The order matters only between rules of equal confidence: the first of them wins.
    """
    by_exception: dict[str, list[ErrorRule]] = defaultdict(list)
    for family in RULE_MODULES:
        for rule in import_module(f"{__name__}.{family}").RULES:
            for name in dict.fromkeys(one.rpartition(".")[2] for one in rule.exception_types):
                by_exception[name].append(rule)
    return by_exception
