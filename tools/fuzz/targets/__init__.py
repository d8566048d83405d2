"""All targets: each module has `INPUTS`, inputs that are almost right, and `check`, a law.

`check` takes any bytes, and raises where the law does not hold of them.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from hypothesis.strategies import SearchStrategy

TARGET_NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


@dataclass(frozen=True, slots=True)
class FuzzTarget:
    """One law, and inputs that reach deep into what it is about."""

    name: str
    check: Callable[[bytes], None]
    inputs: SearchStrategy[bytes]


def load_target(name: str) -> FuzzTarget:
    """Return the target called *name*."""
    module = import_module(f"{__name__}.{name}")
    return FuzzTarget(name, module.check, module.INPUTS)
