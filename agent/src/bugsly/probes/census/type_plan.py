"""Says for each type how the census reads its objects; worked out once for a type."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from bugsly.introspection import type_internals
from bugsly.introspection.containers import CONTAINER_TYPES, body_attribute, length_reader

if TYPE_CHECKING:
    from bugsly.introspection.containers import LengthReader

OPAQUE_PACKAGES = frozenset(
    {"bugsly", "gevent", "typing", "importlib", "enum"}
    | {"_frozen_importlib", "_frozen_importlib_external"}
)
"""Packages whose instances are not entered: the agent, thread-locals that run code, and packages
that hold nothing of the application's."""


class TypePlan(NamedTuple):
    """How objects of one *kind* are read. It keeps the class alive, so it is not kept for long."""

    kind: type
    length_reader: LengthReader | None
    body_attribute: str
    dict_getter: type_internals.Getter | None
    slot_getters: tuple[tuple[str, type_internals.Getter], ...]
    tuple_fields: tuple[str, ...]
    has_entries: bool
    """Whether it has entries that can be read."""
    is_opaque: bool
    """Whether it is not entered, whatever it has."""

    @property
    def may_have_children(self) -> bool:
        """Return whether such an object may lead to another."""
        return not self.is_opaque and bool(
            self.has_entries or self.dict_getter or self.slot_getters
        )


def make_plan(kind: type) -> TypePlan:
    """Return how to read objects of a *kind*."""
    is_opaque = (
        issubclass(kind, (type_internals.ThreadLocal, ModuleType))
        or type_internals.module_of(kind).partition(".")[0] in OPAQUE_PACKAGES
    )
    fields = type_internals.class_dict(kind).get("_fields") if issubclass(kind, tuple) else None
    return TypePlan(
        kind=kind,
        length_reader=length_reader(kind),
        body_attribute=body_attribute(kind),
        dict_getter=None if is_opaque else type_internals.dict_getter(kind),
        slot_getters=() if is_opaque else type_internals.slot_getters(kind),
        tuple_fields=fields if type(fields) is tuple else (),
        has_entries=issubclass(kind, (*CONTAINER_TYPES, tuple)),
        is_opaque=is_opaque,
    )
