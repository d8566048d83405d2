"""All rules of `bugsly check`: each module holds one, as `RULE`."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from bugsly_server.check.rule import CheckRule


@cache
def check_rules() -> tuple[CheckRule, ...]:
    """Return all rules, by code."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    rules = [import_module(f"{__name__}.{name}").RULE for name in names]
    return tuple(sorted(rules, key=lambda rule: rule.code))
