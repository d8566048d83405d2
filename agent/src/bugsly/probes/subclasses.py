"""Counts subclasses of classes that code may subclass at run time, for the holder registry."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from bugsly.app_code import app_modules
from bugsly.introspection import type_internals
from bugsly.probes.rising_counts import DescribedCount
from bugsly.protocol.evidence import Holder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

MAX_APP_CLASSES = 500
WATCHED_BASES = (
    ("builtins", "object"),
    ("builtins", "tuple"),
    ("builtins", "dict"),
    ("builtins", "Exception"),
    ("enum", "Enum"),
    ("typing", "Generic"),
    ("pydantic.main", "BaseModel"),
    ("marshmallow.schema", "Schema"),
    ("wtforms.form", "Form"),
    ("flask.views", "MethodView"),
)
"""The bases of what `type()`, `namedtuple` and well-known libraries create at run time."""


def count_subclasses() -> dict[str, DescribedCount]:
    """Return how many direct subclasses are alive, by base class."""
    found = {}
    for base in _base_classes():
        count = len(type.__subclasses__(base))
        if count:
            found[f"subclasses of {type_internals.full_name(base)}"] = DescribedCount(
                count, partial(_describe, base)
            )
    return found


def _describe(base: type, name: str) -> Holder:
    newest: list[type] = type.__subclasses__(base)[-1:]
    file = vars(sys.modules.get(type_internals.module_of(base), sys)).get("__file__")
    return Holder(
        name=name,
        kind="subclass",
        entry="".join(type_internals.full_name(one) for one in newest),
        file=file or "",
    )


def _base_classes() -> Iterator[type]:
    for module, name in WATCHED_BASES:
        base = vars(sys.modules[module]).get(name) if module in sys.modules else None
        if isinstance(base, type):
            yield base
    budget = MAX_APP_CLASSES
    for app_module in app_modules():
        classes = _classes_defined_in(app_module)[:budget]
        budget -= len(classes)
        yield from classes


def _classes_defined_in(module: ModuleType) -> list[type]:
    """Return the classes that *module* defines, recognised by type alone: no proxy is evaluated."""
    things = [one for one in list(vars(module).values()) if issubclass(type(one), type)]
    return [
        one for one in things if type_internals.class_dict(one).get("__module__") == module.__name__
    ]
