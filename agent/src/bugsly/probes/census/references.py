"""Finds for the census what an object refers to, without running the application's code.

It evaluates no property, `__getattr__` or proxy: attributes come from instance dictionaries and
slots, through the C descriptors that Python made for them.
"""

from __future__ import annotations

import gc
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bugsly.introspection import type_internals
from bugsly.introspection.containers import (
    MAX_NAMES,
    named_items,
    oldest_entries,
)
from bugsly.introspection.definitions import is_defined_elsewhere
from bugsly.introspection.type_internals import read_slot
from bugsly.probes.census.callables import (
    LEAF_TYPE_IDS,
    children_reader,
    may_have_children,
)
from bugsly.probes.census.object_path import ATTRIBUTE, ENTRY, KeyPlaceholder, storable_key
from bugsly.probes.census.type_plan import TypePlan, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bugsly.probes.census.callables import ChildEdge
    from bugsly.probes.census.census_roots import CensusRoot

MAX_ENTRIES = 256
"""Entries that are read of one container."""
MAX_PLANS = 2_000
MAX_CHILDLESS_CLASSES = 5_000
"""Classes that are remembered to have no children."""
IGNORED_NAMES = frozenset(
    {"__annotations__", "__builtins__", "__cached__", "__loader__", "__parameters__", "__path__"}
    | {"__orig_bases__", "__slots__", "__spec__", "_abc_impl", "__all__", "__match_args__"}
)
"""Names in modules and classes under which nothing grows."""


class ReferenceReader:
    """Reads objects, and caches the plans of their types."""

    def __init__(self) -> None:
        self._plans: dict[int, TypePlan] = {}
        self._temporary_plans: dict[int, TypePlan] = {}
        self._childless_classes: dict[int, int] = {}

    def forget_known(self) -> None:
        """Forget all plans, and which classes have no children."""
        self._childless_classes.clear()
        self._plans.clear()

    def release_classes(self) -> None:
        """Release all classes except those that their modules keep alive anyway."""
        self._temporary_plans.clear()

    def plan_for(self, kind: type) -> TypePlan:
        """Return how to read objects of a *kind*."""
        found = self._plans.get(id(kind)) or self._temporary_plans.get(id(kind))
        if found is None:
            found = make_plan(kind)
            lasting = is_defined_elsewhere(kind, "") and len(self._plans) < MAX_PLANS
            (self._plans if lasting else self._temporary_plans)[id(kind)] = found
        return found

    def container_of(self, thing: Any) -> Any:
        """Return the built-in container that *thing* is or keeps its entries in."""
        plan = self.plan_for(type(thing))
        held = (
            plan.dict_getter(thing)
            if plan.body_attribute and plan.dict_getter is not None
            else None
        )
        return held.get(plan.body_attribute, thing) if type(held) is dict else thing

    def count_entries(self, thing: Any) -> int | None:
        """Return how many entries *thing* has, None if it is no container."""
        plan = self.plan_for(type(thing))
        if plan.length_reader is not None:
            return plan.length_reader(thing)
        if not plan.body_attribute:
            return None
        body = self.container_of(thing)
        length = None if body is thing else self.plan_for(type(body)).length_reader
        return None if length is None else length(body)

    def may_have_children(self, thing: Any) -> bool:
        """Return whether *thing* may have children."""
        kind = type(thing)
        if kind is tuple:
            return any(id(type(held)) not in LEAF_TYPE_IDS for held in thing[:MAX_ENTRIES])
        if children_reader(kind) is not None or issubclass(kind, type):
            return True
        return self.plan_for(kind).may_have_children

    def children(self, thing: Any, root: CensusRoot) -> list[ChildEdge]:
        """Return the children of *thing*: kind of edge, key and object, without leaves.

        Classes and functions that another module than *root* defines are left to that module.
        """
        kind = type(thing)
        read_children = children_reader(kind)
        if read_children is not None:
            return [
                child
                for child in _without_leaves(read_children(thing))
                if may_have_children(child[2], is_app=root.is_app)
            ]
        if issubclass(kind, ModuleType):
            return _named_children(type_internals.module_dict(thing), root)
        if issubclass(kind, type):
            return self._class_children(thing, root)
        plan = self.plan_for(kind)
        return [] if plan.is_opaque else _without_leaves(self._instance_children(thing, plan))

    def _class_children(self, thing: Any, root: CensusRoot) -> list[ChildEdge]:
        names = type_internals.class_dict(thing)
        if self._childless_classes.get(id(thing)) == len(names):
            return []
        found = _named_children(names, root)
        if not found and not root.is_app and len(self._childless_classes) < MAX_CHILDLESS_CLASSES:
            self._childless_classes[id(thing)] = len(names)
        return found

    def attributes(self, thing: Any) -> list[tuple[str, Any]]:
        """Return the attributes of an instance, by name."""
        plan = self.plan_for(type(thing))
        held = plan.dict_getter(thing) if plan.dict_getter is not None else None
        found = named_items(held) if type(held) is dict else []
        slots = ((name, read_slot(getter, thing)) for name, getter in plan.slot_getters)
        return [*found, *slots]

    def fetch(self, thing: Any, edge: str, key: Any) -> Any:
        """Return the child of *thing* behind one step, None if it is gone."""
        kind = type(thing)
        read_children = children_reader(kind)
        if read_children is not None:
            return _find_child(read_children(thing), edge, key)
        if edge == ENTRY:
            return _fetch_entry(self.container_of(thing), key)
        if issubclass(kind, ModuleType):
            return type_internals.module_dict(thing).get(key)
        if issubclass(kind, type):
            return type_internals.class_dict(thing).get(key)
        fields = self.plan_for(kind).tuple_fields
        if key in fields:
            return _fetch_entry(thing, fields.index(key))
        return next((value for name, value in self.attributes(thing) if name == key), None)

    def _instance_children(self, thing: Any, plan: TypePlan) -> Iterable[ChildEdge]:
        body = self.container_of(thing)
        if plan.has_entries or body is not thing:
            fields = plan.tuple_fields
            for index, (key, value) in enumerate(oldest_entries(body, MAX_ENTRIES)):
                if index < len(fields):
                    yield ATTRIBUTE, fields[index], value
                elif id(type(value)) not in LEAF_TYPE_IDS:
                    yield ENTRY, storable_key(key, index), value
        if (plan.dict_getter is None and not plan.slot_getters) or not (
            plan.has_entries or _has_non_leaf_references(thing)
        ):
            return
        for name, value in self.attributes(thing):
            if body is thing or not (name == plan.body_attribute or "__" in name):
                yield ATTRIBUTE, name, value


def _without_leaves(children: Iterable[ChildEdge]) -> list[ChildEdge]:
    return [child for child in children if id(type(child[2])) not in LEAF_TYPE_IDS]


def _has_non_leaf_references(thing: object) -> bool:
    """Return whether an instance refers to more than leaves and its class.

    Checked first, because reading an instance dictionary creates it if there is none.
    """
    return any(
        id(type(held)) not in LEAF_TYPE_IDS and held is not type(thing)
        for held in gc.get_referents(thing)
    )


def _named_children(names: Any, root: CensusRoot) -> list[ChildEdge]:
    """Return the children of a module or a class; of very many *names* the first and last ones."""
    try:
        found = list(islice(names.items(), MAX_NAMES))
        if len(names) > MAX_NAMES:
            found += islice(reversed(names.items()), MAX_NAMES // 4)
    except RuntimeError:
        return []
    return [
        (ATTRIBUTE, name, held)
        for name, held in found
        if id(type(held)) not in LEAF_TYPE_IDS
        and type(name) is str
        and name not in IGNORED_NAMES
        and may_have_children(held, is_app=root.is_app)
        and not is_defined_elsewhere(held, root.name)
    ]


def _fetch_entry(thing: Any, key: Any) -> Any:
    kind = type(thing)
    if type(key) is KeyPlaceholder:
        return next(
            (
                value
                for index, (known, value) in enumerate(oldest_entries(thing, key.position + 1))
                if index == key.position and storable_key(known, index) == key
            ),
            None,
        )
    if issubclass(kind, dict):
        return dict.get(thing, key)
    if not issubclass(kind, (list, tuple)):
        return next(
            (value for index, value in oldest_entries(thing, key + 1) if index == key), None
        )
    get = list.__getitem__ if issubclass(kind, list) else tuple.__getitem__
    try:
        return get(thing, key)
    except IndexError:
        return None


def _find_child(children: Iterable[ChildEdge], edge: str, key: object) -> Any:
    return next((value for step, name, value in children if step == edge and name == key), None)
