"""The walk in Python: slower than the one in C, and with the same result."""

from __future__ import annotations

import gc
import sys
from time import monotonic
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from bugsly.heap.groups import (
    CLASSES,
    CYCLES,
    HELD,
    LEAVES,
    PARTS,
    Group,
    How,
    Walked,
    worth_telling,
)
from bugsly.heap.roots import calls_from
from bugsly.heap.twin_dominators import dominators
from bugsly.heap.twin_edges import LEAF_NAMES, NOTHING, edges
from bugsly.probes.census import raw
from bugsly.probes.census.containers import BASES, LENGTHS
from bugsly.probes.census.weigh import size_of

if TYPE_CHECKING:
    from bugsly.heap.snapshot import Roots

Key = tuple[int, How, str, str, str]
REPEATS, DEEPEST, MOST_CHILDREN = 6, 48, 1024
NAMED = frozenset({How.ATTRIBUTE, How.KEY, How.LOCAL, How.CLOSURE, How.DEFAULT})


class _Open:
    """A group that is being counted."""

    def __init__(self, key: Key, depth: int) -> None:
        self.key = key
        self.depth = depth
        self.children = self.objects = self.entries = self.shallow = self.retained = 0
        self.leaves = dict.fromkeys(LEAVES, 0)

    def closed(self) -> Group:
        parent, how, text, kind, name = self.key
        leaves = tuple(self.leaves.values())
        sizes = (self.entries, self.shallow, self.retained)
        return Group(parent, how, text, kind, name, self.objects, leaves, *sizes)


def twin_walk(roots: Roots, *, whole: bool) -> Walked:
    """Return what can be reached from *roots*, modules first, and all else where *whole*."""
    begun = monotonic()
    alive = gc.get_objects() if whole else []
    walk = _TwinWalk()
    walk.begin(roots)
    if whole:
        walk.go_through(alive)
    walking = monotonic() - begun
    groups = walk.end()
    return Walked(
        objects=walk.objects + sum(sum(one.leaves) for one in groups),
        bytes=sum(one.shallow for one in groups),
        walking=walking,
        seconds=monotonic() - begun,
        groups=worth_telling(groups),
    )


class _TwinWalk:
    """One walk, in a process of its own: it keeps all it meets."""

    def __init__(self) -> None:
        self.groups = [_Open((0, How.ROOT, "", "", ""), 0)]
        self._by_key: dict[Key, int] = {}
        self._nodes: dict[int, int] = {0: 0}
        self._things: list[Any] = [None]
        self._group: list[int] = [0]
        self._size: list[int] = [0]
        self._leads: list[list[int]] = [[]]
        self._leaves: set[int] = set()
        self._looked = 1

    @property
    def objects(self) -> int:
        """Return how many were met, leaves aside."""
        return len(self._things) - 1

    def begin(self, roots: Roots) -> None:
        """Walk from *roots*, modules first."""
        for modules in (True, False):
            for name, thing in roots:
                if issubclass(type(thing), ModuleType) is modules:
                    self._root(name, thing)
            self._go_on()

    def go_through(self, alive: list[Any]) -> None:
        """Walk from the calls that go on, and take in what is left of all that is *alive*."""
        self._calls()
        self._leftovers([one for one in alive if id(one) not in self._nodes])

    def end(self) -> tuple[Group, ...]:
        """Return the groups, with what they retain."""
        order, above = dominators(self._leads)
        retained = list(self._size)
        for node in reversed(order[1:]):
            retained[above[node]] += retained[node]
        inside: dict[int, frozenset[int]] = {0: frozenset()}
        for node in order[1:]:
            group, within = self._group[node], inside[above[node]]
            if group not in within:
                self.groups[group].retained += retained[node]
                within |= {group}
            inside[node] = within
        return tuple(one.closed() for one in self.groups)

    def _root(self, name: str, thing: Any, above: int = 0, how: How = How.ROOT) -> None:
        if id(thing) not in self._nodes:
            group = self._group_under(above, how, name, thing)
            self._leads[0].append(self._add(thing, group))
            if issubclass(type(thing), ModuleType):
                self._root("", raw.module_dict(thing), group, How.NAMES)

    def _calls(self) -> None:
        for innermost in sys._current_frames().values():  # noqa: SLF001 - of other threads, too
            for name, frame in calls_from(innermost):
                if not name.startswith("bugsly."):
                    self._root(name, frame)
        for kind in {id(type(one)): type(one) for one in self._things}.values():
            self._root(CLASSES, kind)
        self._go_on()

    def _leftovers(self, left: list[Any]) -> None:
        """Take in what no root leads to; as the collector does, tell what C code holds."""
        held = _references(left)
        for one in left:
            for inner in gc.get_referents(one):
                if id(inner) in held:
                    held[id(inner)] -= 1
        for name, only_held in ((HELD, True), (CYCLES, False)):
            above = self._group_under(0, How.ROOT, name, None)
            for one in left:
                if not only_held or held[id(one)] > 0:
                    self._root("", one, above, How.INNER)
            self._go_on()

    def _go_on(self) -> None:
        while self._looked < len(self._things):
            node = self._looked
            self._looked += 1
            thing, group = self._things[node], self.groups[self._group[node]]
            group.entries += next(
                (LENGTHS[base](thing) for base in BASES if issubclass(type(thing), base)), 0
            )
            for how, text, held in edges(thing, group.key[1]):
                self._reach(node, how, text, held)

    def _reach(self, node: int, how: How, text: str, held: Any) -> None:
        kind = id(type(held))
        if kind in NOTHING:
            return
        if kind in LEAF_NAMES:
            self._take_leaf(node, LEAF_NAMES[kind], held)
            return
        found = self._nodes.get(id(held))
        if found is None:
            owner = self._group[node]
            solid = self.groups[owner].key[3] == "code"
            found = self._add(held, owner if solid else self._group_under(owner, how, text, held))
        self._leads[node].append(found)

    def _take_leaf(self, node: int, name: str, leaf: Any) -> None:
        if id(leaf) in self._leaves:
            return
        self._leaves.add(id(leaf))
        group, size = self.groups[self._group[node]], size_of(leaf)
        group.leaves[name] += 1
        group.shallow += size
        self._size[node] += size

    def _add(self, thing: Any, group: int) -> int:
        node = self._nodes[id(thing)] = len(self._things)
        size = size_of(thing)
        self._things.append(thing)
        self._group.append(group)
        self._size.append(size)
        self._leads.append([])
        self.groups[group].objects += 1
        self.groups[group].shallow += size
        return node

    def _group_under(self, parent: int, how: How, text: str, thing: Any) -> int:
        kind = "" if thing is None else raw.full_name(type(thing))
        name = f"{thing.__module__}.{thing.__qualname__}" if type(thing) is FunctionType else ""
        if how in NAMED and self.groups[parent].children >= MOST_CHILDREN:
            how, text = How.ENTRY, ""
        if how is How.BODY:
            text = ""
        key = (parent, how, text, kind, name)
        if key not in self._by_key:
            self._by_key[key] = self._settle(key)
        return self._by_key[key]

    def _settle(self, key: Key) -> int:
        """Return the group of *key*: in a chain, one that is there already."""
        above, parent = key[0], self.groups[key[0]]
        for _ in range(REPEATS if key[1] not in PARTS else 0):
            if above and self.groups[above].key[1:] == key[1:]:
                return above
            above = self.groups[above].key[0]
        if parent.depth >= DEEPEST:
            return key[0]
        parent.children += 1
        self.groups.append(_Open(key, parent.depth + 1 if key[0] else 0))
        return len(self.groups) - 1


def _references(things: list[Any]) -> dict[int, int]:
    """Return how many references there are to each of *things*, by id, without those of this code.

    The list that they are in and the one they came from are its, too.
    """
    alone: list[Any] = [[]]
    both = (alone, alone[:])
    (spare,) = {id(one): sys.getrefcount(one) for one in both[0]}.values()
    return {id(one): sys.getrefcount(one) - spare for one in things}
