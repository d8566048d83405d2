"""Heaps that are drawn: what a walk of them would tell, without a walk."""

from dataclasses import dataclass, field

from bugsly.heap.groups import LEAVES, Group, How, Walked


@dataclass(frozen=True, slots=True)
class Drawn:
    """A group, and those below it."""

    step: str
    type: str
    below: tuple["Drawn", ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


def A(step: str, kind: str, *below: Drawn, **counts: int) -> Drawn:  # noqa: N802 - reads like a drawing
    """Return objects of a *kind*, one where nothing else is said, to which *step* leads."""
    return Drawn(step, kind, below, counts)


def drawn(root: Drawn) -> Walked:
    """Return what a walk would tell of *root*."""
    groups = [Group(0, How.ROOT, "", "", "", 0, (0,) * len(LEAVES), 0, 0, 0)]
    _add(root, 0, groups)
    sizes = sum(one.shallow for one in groups)
    return Walked(sum(one.objects for one in groups), sizes, 0.1, 0.2, tuple(groups))


def _add(one: Drawn, parent: int, groups: list[Group]) -> None:
    how, text = _step(one.step, is_root=not parent)
    rest = [one.counts.get(name, 0) for name in ("entries", "shallow", "retained")]
    objects = one.counts.get("objects", 1)
    groups.append(Group(parent, how, text, one.type, "", objects, (0,) * len(LEAVES), *rest))
    number = len(groups) - 1
    for below in one.below:
        _add(below, number, groups)


def _step(step: str, *, is_root: bool) -> tuple[How, str]:
    if is_root:
        return How.ROOT, step
    known = {"": How.NAMES, "[*]": How.ENTRY, "<>": How.INNER}
    return (known[step], "") if step in known else (How.ATTRIBUTE, step.removeprefix("."))
