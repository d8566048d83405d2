"""What can be reached from what in one step, without running a line of anybody's code.

Properties, `__getattr__` and proxies are never asked: attributes come from instance dictionaries
and slots, through the C descriptors that Python itself made for them.
"""

from __future__ import annotations

import gc
import sys
from itertools import islice
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from bugsly.probes.census import raw
from bugsly.probes.census.callables import LEAVES, ThreadLocal, leads, special
from bugsly.probes.census.containers import (
    BASES,
    MOST_NAMES,
    body_of,
    items,
    length_of,
    oldest,
)
from bugsly.probes.census.path import ATTRIBUTE, ENTRY, Place, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bugsly.probes.census.callables import Child
    from bugsly.probes.census.containers import Length
    from bugsly.probes.census.roots import Root

MOST_ENTRIES = 256
"""How many entries of one container are looked into."""
CLOSED = frozenset(
    {"bugsly", "gevent", "typing", "importlib", "enum"}
    | {"_frozen_importlib", "_frozen_importlib_external"}
)
"""Packages whose instances are not entered: our own, thread-locals that run code, and such as
hold nothing of the application's."""
MOST_PLANS = 2_000
MOST_DULL = 5_000
"""Classes that are remembered for leading nowhere."""
DULL = frozenset(
    {"__annotations__", "__builtins__", "__cached__", "__loader__", "__parameters__", "__path__"}
    | {"__orig_bases__", "__slots__", "__spec__", "_abc_impl", "__all__", "__match_args__"}
)
"""Names in modules and classes under which nothing grows."""


class Plan(NamedTuple):
    """How things of one *kind* are looked at. It is not kept for long: it keeps the class alive."""

    kind: type
    length: Length | None
    body: str
    held: raw.Getter | None
    slots: tuple[tuple[str, raw.Getter], ...]
    fields: tuple[str, ...]
    enters: bool
    """Whether it has entries to look into."""
    closed: bool
    """Whether it is not entered, whatever it has."""

    @property
    def leads(self) -> bool:
        """Return whether there is a step from such a thing to another."""
        return not self.closed and bool(self.enters or self.held or self.slots)


def plan_of(kind: type) -> Plan:
    """Return how to look at things of a *kind*."""
    body = body_of(kind)
    closed = (
        issubclass(kind, (ThreadLocal, ModuleType))
        or raw.module_of(kind).partition(".")[0] in CLOSED
    )
    fields = raw.class_dict(kind).get("_fields") if issubclass(kind, tuple) else None
    return Plan(
        kind=kind,
        length=length_of(kind),
        body=body,
        held=None if closed else raw.dict_getter(kind),
        slots=() if closed else raw.slot_getters(kind),
        fields=fields if type(fields) is tuple else (),
        enters=issubclass(kind, (*BASES, tuple)),
        closed=closed,
    )


class Reach:
    """Looks at things; remembers how to look at their kinds until it is told to forget."""

    def __init__(self) -> None:
        self._plans: dict[int, Plan] = {}
        self._passing: dict[int, Plan] = {}
        self._dull: dict[int, int] = {}

    def look_again(self) -> None:
        """Look into those classes of libraries, too, that led nowhere; take nothing as known."""
        self._dull.clear()
        self._plans.clear()

    def forget(self) -> None:
        """Let go of all classes but those that their modules keep alive anyway."""
        self._passing.clear()

    def plan(self, kind: type) -> Plan:
        """Return how to look at a *kind*."""
        found = self._plans.get(id(kind)) or self._passing.get(id(kind))
        if found is None:
            found = plan_of(kind)
            lasting = is_elsewhere(kind, "") and len(self._plans) < MOST_PLANS
            (self._plans if lasting else self._passing)[id(kind)] = found
        return found

    def body(self, thing: Any) -> Any:
        """Return the built-in container that *thing* is or keeps its entries in."""
        plan = self.plan(type(thing))
        held = plan.held(thing) if plan.body and plan.held is not None else None
        return held.get(plan.body, thing) if type(held) is dict else thing

    def count(self, thing: Any) -> int | None:
        """Return how many entries *thing* holds, None where it is no container."""
        plan = self.plan(type(thing))
        if plan.length is not None:
            return plan.length(thing)
        if not plan.body:
            return None
        body = self.body(thing)
        length = None if body is thing else self.plan(type(body)).length
        return None if length is None else length(body)

    def leads(self, thing: Any) -> bool:
        """Return whether it is worth to ask for the children of *thing*."""
        kind = type(thing)
        if kind is tuple:
            return any(id(type(held)) not in LEAVES for held in thing[:MOST_ENTRIES])
        if special(kind) is not None or issubclass(kind, type):
            return True
        return self.plan(kind).leads

    def children(self, thing: Any, root: Root) -> list[Child]:
        """Return how, under which key, and to what *thing* leads, without what leads nowhere.

        Classes and functions that are at home in another module than *root* are left to it.
        """
        kind = type(thing)
        told = special(kind)
        if told is not None:
            return [child for child in _alive(told(thing)) if leads(child[2], own=root.own)]
        if issubclass(kind, ModuleType):
            return _names(raw.module_dict(thing), root)
        if issubclass(kind, type):
            return self._of_class(thing, root)
        plan = self.plan(kind)
        return [] if plan.closed else _alive(self._of_instance(thing, plan))

    def _of_class(self, thing: Any, root: Root) -> list[Child]:
        names = raw.class_dict(thing)
        if self._dull.get(id(thing)) == len(names):
            return []
        found = _names(names, root)
        if not found and not root.own and len(self._dull) < MOST_DULL:
            self._dull[id(thing)] = len(names)
        return found

    def attributes(self, thing: Any) -> list[tuple[str, Any]]:
        """Return the attributes of an instance, by name."""
        plan = self.plan(type(thing))
        held = plan.held(thing) if plan.held is not None else None
        found = items(held) if type(held) is dict else []
        slots = ((name, read_slot(getter, thing)) for name, getter in plan.slots)
        return [*found, *slots]

    def fetch(self, thing: Any, how: str, key: Any) -> Any:
        """Return what one step leads to, found directly; None where it is gone."""
        kind = type(thing)
        told = special(kind)
        if told is not None:
            return _pick(told(thing), how, key)
        if how == ENTRY:
            return _entry(self.body(thing), key)
        if issubclass(kind, ModuleType):
            return raw.module_dict(thing).get(key)
        if issubclass(kind, type):
            return raw.class_dict(thing).get(key)
        fields = self.plan(kind).fields
        if key in fields:
            return _entry(thing, fields.index(key))
        return next((value for name, value in self.attributes(thing) if name == key), None)

    def _of_instance(self, thing: Any, plan: Plan) -> Iterable[Child]:
        body = self.body(thing)
        if plan.enters or body is not thing:
            fields = plan.fields
            for index, (key, value) in enumerate(oldest(body, MOST_ENTRIES)):
                if index < len(fields):
                    yield ATTRIBUTE, fields[index], value
                elif id(type(value)) not in LEAVES:
                    yield ENTRY, key_of(key, index), value
        if (plan.held is None and not plan.slots) or not (plan.enters or _is_worth(thing)):
            return
        for name, value in self.attributes(thing):
            if body is thing or not (name == plan.body or "__" in name):
                yield ATTRIBUTE, name, value


def read_slot(getter: raw.Getter, thing: Any) -> Any:
    """Return what a slot holds, None where it is empty."""
    try:
        return getter(thing)
    except AttributeError:
        return None


def is_elsewhere(thing: Any, module: str) -> bool:
    """Return whether *thing* is a class or function that another module than *module* defines."""
    kind = type(thing)
    if kind is FunctionType:
        home, name = thing.__module__, thing.__name__
    elif issubclass(kind, type):
        home, name = raw.module_of(thing), raw.name_of(thing)
    else:
        return False
    if home == module or type(home) is not str:
        return False
    found = sys.modules.get(home)
    return type(found) is ModuleType and raw.module_dict(found).get(name) is thing


def _alive(children: Iterable[Child]) -> list[Child]:
    return [child for child in children if id(type(child[2])) not in LEAVES]


def _is_worth(thing: object) -> bool:
    """Return whether an instance refers to more than leaves and its class.

    Asked first because reading an instance dictionary makes one where there was none.
    """
    return any(
        id(type(held)) not in LEAVES and held is not type(thing) for held in gc.get_referents(thing)
    )


def _names(names: Any, root: Root) -> list[Child]:
    """Return what the *names* of a module or a class lead to; of very many the first and last."""
    try:
        found = list(islice(names.items(), MOST_NAMES))
        if len(names) > MOST_NAMES:
            found += islice(reversed(names.items()), MOST_NAMES // 4)
    except RuntimeError:
        return []
    return [
        (ATTRIBUTE, name, held)
        for name, held in found
        if id(type(held)) not in LEAVES
        and type(name) is str
        and name not in DULL
        and leads(held, own=root.own)
        and not is_elsewhere(held, root.name)
    ]


def _entry(thing: Any, key: Any) -> Any:
    kind = type(thing)
    if type(key) is Place:
        return next(
            (
                value
                for index, (known, value) in enumerate(oldest(thing, key.position + 1))
                if index == key.position and key_of(known, index) == key
            ),
            None,
        )
    if issubclass(kind, dict):
        return dict.get(thing, key)
    if not issubclass(kind, (list, tuple)):
        return next((value for index, value in oldest(thing, key + 1) if index == key), None)
    get = list.__getitem__ if issubclass(kind, list) else tuple.__getitem__
    try:
        return get(thing, key)
    except IndexError:
        return None


def _pick(children: Iterable[Child], how: str, key: object) -> Any:
    return next((value for step, name, value in children if step == how and name == key), None)
