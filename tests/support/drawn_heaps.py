"""Heaps that are drawn: what a walk of them would tell, without a walk."""

from dataclasses import dataclass, field

from bugsly.heap.walk_result import LEAF_TYPES, EdgeKind, ObjectGroup, WalkResult


@dataclass(frozen=True, slots=True)
class DrawnGroup:
    """A group, and those below it."""

    step: str
    type: str
    below: tuple["DrawnGroup", ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


def group_node(step: str, kind: str, *below: DrawnGroup, **counts: int) -> DrawnGroup:
    """Return objects of a *kind*, one where nothing else is said, to which *step* leads."""
    return DrawnGroup(step, kind, below, counts)


def walked_heap(root: DrawnGroup) -> WalkResult:
    """Return what a walk would tell of *root*."""
    groups = [ObjectGroup(0, EdgeKind.ROOT, "", "", "", 0, (0,) * len(LEAF_TYPES), 0, 0, 0)]
    _append_group(root, 0, groups)
    sizes = sum(one.shallow for one in groups)
    return WalkResult(sum(one.objects for one in groups), sizes, 0.1, 0.2, tuple(groups))


def _append_group(node: DrawnGroup, parent: int, groups: list[ObjectGroup]) -> None:
    how, text = _way_of_step(node.step, is_root=not parent)
    sizes = [node.counts.get(name, 0) for name in ("entries", "shallow", "retained")]
    objects = node.counts.get("objects", 1)
    groups.append(
        ObjectGroup(parent, how, text, node.type, "", objects, (0,) * len(LEAF_TYPES), *sizes)
    )
    number = len(groups) - 1
    for below in node.below:
        _append_group(below, number, groups)


def _way_of_step(step: str, *, is_root: bool) -> tuple[EdgeKind, str]:
    if is_root:
        return EdgeKind.ROOT, step
    known = {"": EdgeKind.NAMES, "[*]": EdgeKind.ENTRY, "<>": EdgeKind.INNER}
    return (known[step], "") if step in known else (EdgeKind.ATTRIBUTE, step.removeprefix("."))
