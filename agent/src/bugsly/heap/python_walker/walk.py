"""Walks the heap for the child of the walker in Python: slower than in C, with the same result."""

from __future__ import annotations

import gc
import sys
from time import monotonic
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from bugsly.heap.python_walker.dominators import dominators
from bugsly.heap.python_walker.edges import IGNORED_TYPE_IDS, LEAF_NAME_BY_TYPE_ID, edges_of
from bugsly.heap.walk_result import (
    CLASSES_ROOT,
    CYCLES_ROOT,
    HELD_BY_C_ROOT,
    LEAF_TYPES,
    PART_EDGES,
    EdgeKind,
    ObjectGroup,
    WalkResult,
    significant_groups,
)
from bugsly.heap.walk_roots import frames_from
from bugsly.introspection import type_internals
from bugsly.introspection.containers import CONTAINER_TYPES, LENGTH_READERS
from bugsly.introspection.object_sizes import shallow_size

if TYPE_CHECKING:
    from bugsly.heap.snapshot import WalkRoots

GroupKey = tuple[int, EdgeKind, str, str, str]
MAX_CHAIN_ANCESTORS, MAX_DEPTH, MAX_NAMED_CHILDREN = 6, 48, 1024
NAMED_EDGES = frozenset(
    {EdgeKind.ATTRIBUTE, EdgeKind.KEY, EdgeKind.LOCAL, EdgeKind.CLOSURE, EdgeKind.DEFAULT}
)


class _OpenGroup:
    """A group that is being counted."""

    def __init__(self, key: GroupKey, depth: int) -> None:
        self.key = key
        self.depth = depth
        self.children = self.objects = self.entries = self.shallow = self.retained = 0
        self.leaf_counts = dict.fromkeys(LEAF_TYPES, 0)

    def to_group(self) -> ObjectGroup:
        parent, edge, text, kind, name = self.key
        leaves = tuple(self.leaf_counts.values())
        sizes = (self.entries, self.shallow, self.retained)
        return ObjectGroup(parent, edge, text, kind, name, self.objects, leaves, *sizes)


def walk_heap(roots: WalkRoots, *, include_unreachable: bool) -> WalkResult:
    """Return what *roots* lead to, modules first; all objects where *include_unreachable*."""
    started = monotonic()
    alive = gc.get_objects() if include_unreachable else []
    walk = _HeapWalk()
    walk.walk_from(roots)
    if include_unreachable:
        walk.walk_rest(alive)
    reach_seconds = monotonic() - started
    groups = walk.finish()
    return WalkResult(
        objects=walk.objects + sum(sum(one.leaf_counts) for one in groups),
        bytes=sum(one.shallow for one in groups),
        reach_seconds=reach_seconds,
        seconds=monotonic() - started,
        groups=significant_groups(groups),
    )


class _HeapWalk:
    """One walk, in its own process: it keeps every object that it meets."""

    def __init__(self) -> None:
        self.groups = [_OpenGroup((0, EdgeKind.ROOT, "", "", ""), 0)]
        self._by_key: dict[GroupKey, int] = {}
        self._node_by_id: dict[int, int] = {0: 0}
        self._things: list[Any] = [None]
        self._group_by_node: list[int] = [0]
        self._size_by_node: list[int] = [0]
        self._successors: list[list[int]] = [[]]
        self._seen_leaves: set[int] = set()
        self._next_node = 1

    @property
    def objects(self) -> int:
        """Return how many objects were met, without leaves."""
        return len(self._things) - 1

    def walk_from(self, roots: WalkRoots) -> None:
        """Walk from *roots*, modules first."""
        for modules in (True, False):
            for name, thing in roots:
                if issubclass(type(thing), ModuleType) is modules:
                    self._add_root(name, thing)
            self._visit_queued()

    def walk_rest(self, alive: list[Any]) -> None:
        """Walk from running calls, then add what is left of all objects *alive*."""
        self._walk_frames()
        self._add_unreachable([one for one in alive if id(one) not in self._node_by_id])

    def finish(self) -> tuple[ObjectGroup, ...]:
        """Return the groups with their retained sizes."""
        order, dominator = dominators(self._successors)
        retained = list(self._size_by_node)
        for node in reversed(order[1:]):
            retained[dominator[node]] += retained[node]
        inside: dict[int, frozenset[int]] = {0: frozenset()}
        for node in order[1:]:
            group, within = self._group_by_node[node], inside[dominator[node]]
            if group not in within:
                self.groups[group].retained += retained[node]
                within |= {group}
            inside[node] = within
        return tuple(one.to_group() for one in self.groups)

    def _add_root(
        self, name: str, thing: Any, parent: int = 0, edge: EdgeKind = EdgeKind.ROOT
    ) -> None:
        if id(thing) not in self._node_by_id:
            group = self._group_under(parent, edge, name, thing)
            self._successors[0].append(self._add(thing, group))
            if issubclass(type(thing), ModuleType):
                self._add_root("", type_internals.module_dict(thing), group, EdgeKind.NAMES)

    def _walk_frames(self) -> None:
        for innermost in sys._current_frames().values():  # noqa: SLF001 - of other threads, too
            for name, frame in frames_from(innermost):
                if not name.startswith("bugsly."):
                    self._add_root(name, frame)
        for kind in {id(type(one)): type(one) for one in self._things}.values():
            self._add_root(CLASSES_ROOT, kind)
        self._visit_queued()

    def _add_unreachable(self, unreached: list[Any]) -> None:
        """Add what no root leads to; find what C code holds of it as the collector does."""
        reference_counts = _reference_counts(unreached)
        for thing in unreached:
            for inner in gc.get_referents(thing):
                if id(inner) in reference_counts:
                    reference_counts[id(inner)] -= 1
        for name, only_held in ((HELD_BY_C_ROOT, True), (CYCLES_ROOT, False)):
            parent = self._group_under(0, EdgeKind.ROOT, name, None)
            for thing in unreached:
                if not only_held or reference_counts[id(thing)] > 0:
                    self._add_root("", thing, parent, EdgeKind.INNER)
            self._visit_queued()

    def _visit_queued(self) -> None:
        while self._next_node < len(self._things):
            node = self._next_node
            self._next_node += 1
            thing, group = self._things[node], self.groups[self._group_by_node[node]]
            group.entries += next(
                (
                    LENGTH_READERS[base](thing)
                    for base in CONTAINER_TYPES
                    if issubclass(type(thing), base)
                ),
                0,
            )
            for edge, text, held in edges_of(thing, group.key[1]):
                self._follow_edge(node, edge, text, held)

    def _follow_edge(self, node: int, edge: EdgeKind, text: str, held: Any) -> None:
        kind = id(type(held))
        if kind in IGNORED_TYPE_IDS:
            return
        if kind in LEAF_NAME_BY_TYPE_ID:
            self._count_leaf(node, LEAF_NAME_BY_TYPE_ID[kind], held)
            return
        found = self._node_by_id.get(id(held))
        if found is None:
            owner = self._group_by_node[node]
            is_opaque = self.groups[owner].key[3] == "code"
            found = self._add(
                held, owner if is_opaque else self._group_under(owner, edge, text, held)
            )
        self._successors[node].append(found)

    def _count_leaf(self, node: int, name: str, leaf: Any) -> None:
        if id(leaf) in self._seen_leaves:
            return
        self._seen_leaves.add(id(leaf))
        group, size = self.groups[self._group_by_node[node]], shallow_size(leaf)
        group.leaf_counts[name] += 1
        group.shallow += size
        self._size_by_node[node] += size

    def _add(self, thing: Any, group: int) -> int:
        node = self._node_by_id[id(thing)] = len(self._things)
        size = shallow_size(thing)
        self._things.append(thing)
        self._group_by_node.append(group)
        self._size_by_node.append(size)
        self._successors.append([])
        self.groups[group].objects += 1
        self.groups[group].shallow += size
        return node

    def _group_under(self, parent: int, edge: EdgeKind, text: str, thing: Any) -> int:
        kind = "" if thing is None else type_internals.full_name(type(thing))
        name = f"{thing.__module__}.{thing.__qualname__}" if type(thing) is FunctionType else ""
        if edge in NAMED_EDGES and self.groups[parent].children >= MAX_NAMED_CHILDREN:
            edge, text = EdgeKind.ENTRY, ""
        if edge is EdgeKind.BODY:
            text = ""
        key = (parent, edge, text, kind, name)
        if key not in self._by_key:
            self._by_key[key] = self._group_number(key)
        return self._by_key[key]

    def _group_number(self, key: GroupKey) -> int:
        """Return the group of *key*: in a chain, the group above with the same last step."""
        ancestor, parent = key[0], self.groups[key[0]]
        for _ in range(MAX_CHAIN_ANCESTORS if key[1] not in PART_EDGES else 0):
            if ancestor and self.groups[ancestor].key[1:] == key[1:]:
                return ancestor
            ancestor = self.groups[ancestor].key[0]
        if parent.depth >= MAX_DEPTH:
            return key[0]
        parent.children += 1
        self.groups.append(_OpenGroup(key, parent.depth + 1 if key[0] else 0))
        return len(self.groups) - 1


def _reference_counts(things: list[Any]) -> dict[int, int]:
    """Return how many references there are to each of *things*, by id, without this module's own.

    Two lists of this module refer to each thing: *things* and the list it was chosen from.
    """
    alone: list[Any] = [[]]
    both = (alone, alone[:])
    (spare,) = {id(one): sys.getrefcount(one) for one in both[0]}.values()
    return {id(one): sys.getrefcount(one) - spare for one in things}
