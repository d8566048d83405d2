"""Merges the groups of a walk into holders with a path each, for the comparison of snapshots.

An instance and its attribute dictionary are one holder, and so are a queue and the deque in it. A
closure cell and its content are one holder, too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from bugsly.heap.walk_result import (
    CYCLES_ROOT,
    HELD_BY_C_ROOT,
    LEAF_TYPES,
    PART_EDGES,
    EdgeKind,
    ObjectGroup,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bugsly.heap.walk_result import WalkResult

CELL_TYPE, FUNCTION_TYPE, CLASS_TYPE = "cell", "function", "type"


class NodeStep(NamedTuple):
    """The last step of a path."""

    edge: EdgeKind
    text: str
    type: str
    name: str


NodePath = tuple[NodeStep, ...]
"""All steps from a root to a holder; equal in every process."""


class HolderNode:
    """One holder in one snapshot."""

    __slots__ = (
        "attribute_count",
        "children",
        "count",
        "entries",
        "leaf_counts",
        "path",
        "retained",
        "shallow",
    )

    def __init__(self, path: NodePath, group: ObjectGroup) -> None:
        self.path = path
        self.count = group.objects
        self.retained = group.retained
        self.entries = self.attribute_count = self.shallow = 0
        self.leaf_counts: Counter[str] = Counter()
        self.children: list[HolderNode] = []
        self.absorb(group)

    def absorb(self, part: ObjectGroup) -> None:
        """Add what *part* of this holder has."""
        if part.edge is EdgeKind.NAMES:
            self.attribute_count += part.entries
        else:
            self.entries += part.entries
        self.shallow += part.shallow
        self.leaf_counts += Counter(dict(zip(LEAF_TYPES, part.leaf_counts, strict=True)))

    @property
    def held_count(self) -> int:
        """Return how many entries it has, else attributes, else objects it refers to."""
        return self.entries or self.attribute_count or sum(child.count for child in self.children)

    @property
    def type(self) -> str:
        """Return the type of its objects."""
        return self.path[-1].type

    @property
    def root(self) -> str:
        """Return the name of the root of its path."""
        return self.path[0].text

    def descendants(self) -> Iterator[HolderNode]:
        """Yield all holders below it."""
        pending = list(self.children)
        while pending:
            node = pending.pop()
            yield node
            pending += node.children


def nodes_of(walk: WalkResult) -> dict[NodePath, HolderNode]:
    """Return all holders by path, those nearer to a root first."""
    found: dict[NodePath, HolderNode] = {}
    owners: list[HolderNode | None] = [None]
    for group in walk.groups[1:]:
        owner = owners[group.parent]
        owners.append(_node_for(group, owner, found))
    return found


def _node_for(
    group: ObjectGroup, owner: HolderNode | None, found: dict[NodePath, HolderNode]
) -> HolderNode:
    if owner is not None and group.edge in PART_EDGES:
        owner.absorb(group)
        return owner
    path = _path_to(NodeStep(group.edge, group.text, group.type, group.name), owner)
    node = found.get(path)
    if node is None:
        node = found[path] = HolderNode(path, group)
        if owner is not None:
            owner.children.append(node)
    else:
        node.count += group.objects
        node.retained += group.retained
        node.absorb(group)
    return node


def _path_to(step: NodeStep, owner: HolderNode | None) -> NodePath:
    """Return the path that ends with *step*; the content of a cell has the path of the cell."""
    if owner is None:
        return (step,)
    if step.edge is EdgeKind.CONTENT:
        last = owner.path[-1]
        return (*owner.path[:-1], step._replace(edge=last.edge, text=last.text))
    return (*owner.path, step)


def descendant_types(node: HolderNode) -> Mapping[str, int]:
    """Return how many objects there are below *node*, by type."""
    found = Counter(node.leaf_counts)
    for descendant in node.descendants():
        found[descendant.type] += descendant.count
        found.update(descendant.leaf_counts)
    return found


def format_path(path: NodePath) -> str:
    """Return *path* as the census would write it.

    The path to what a function encloses begins with the function, unless a module or a class has a
    name for the function: most views have none.
    """
    text = ""
    for depth, step in enumerate(path):
        previous = path[depth - 1] if depth else None
        if (
            previous is not None
            and step.edge in {EdgeKind.CLOSURE, EdgeKind.DEFAULT}
            and previous.name
        ):
            is_named = depth == 2 or path[depth - 2].type == CLASS_TYPE
            text = text if is_named else previous.name
        text += format_step(step)
    return text


def format_step(step: NodeStep) -> str:
    """Return the text of one step: `.log`, `['a']`, `[*]`, `.<closure>.seen`."""
    named = {
        EdgeKind.ROOT: step.text,
        EdgeKind.ATTRIBUTE: f".{step.text}",
        EdgeKind.KEY: f"[{step.text!r}]",
        EdgeKind.ENTRY: "[*]",
        EdgeKind.CLOSURE: f".<closure>.{step.text}",
        EdgeKind.DEFAULT: f".<default>.{step.text}",
        EdgeKind.LOCAL: f".<local>.{step.text}",
        EdgeKind.THREAD: ".<thread>",
        EdgeKind.KEYS: ".<keys>",
    }
    return named.get(step.edge, f".<{step.type}>")


def is_unreachable(path: NodePath) -> bool:
    """Return whether *path* begins in none of the roots that a person knows."""
    return path[0].text in {HELD_BY_C_ROOT, CYCLES_ROOT}
