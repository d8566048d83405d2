"""The groups of a walk as a person sees them: named places, each with all that is a part of it.

An instance and its attribute dictionary are one place, so are a queue and the deque in it, and a
name that a function encloses is one with what it stands for.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from bugsly.heap.groups import CYCLES, HELD, LEAVES, PARTS, Group, How

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bugsly.heap.groups import Walked

CELL, FUNCTION, CLASS = "cell", "function", "type"


class Step(NamedTuple):
    """The last step to a place."""

    how: How
    text: str
    type: str
    name: str


Way = tuple[Step, ...]
"""All steps to a place, from a root; equal in every process that has it."""


class Place:
    """One place in one snapshot."""

    __slots__ = ("children", "count", "entries", "leaves", "names", "retained", "shallow", "way")

    def __init__(self, way: Way, group: Group) -> None:
        self.way = way
        self.count = group.objects
        self.retained = group.retained
        self.entries = self.names = self.shallow = 0
        self.leaves: Counter[str] = Counter()
        self.children: list[Place] = []
        self.take(group)

    def take(self, part: Group) -> None:
        """Count what *part* of it has as its own."""
        if part.how is How.NAMES:
            self.names += part.entries
        else:
            self.entries += part.entries
        self.shallow += part.shallow
        self.leaves += Counter(dict(zip(LEAVES, part.leaves, strict=True)))

    @property
    def holds(self) -> int:
        """Return how much it leads to directly: entries, else attributes, else objects."""
        return self.entries or self.names or sum(child.count for child in self.children)

    @property
    def type(self) -> str:
        """Return the type of its objects."""
        return self.way[-1].type

    @property
    def root(self) -> str:
        """Return the name of the root that leads to it."""
        return self.way[0].text

    def below(self) -> Iterator[Place]:
        """Yield the places it leads to, and so on."""
        waiting = list(self.children)
        while waiting:
            place = waiting.pop()
            yield place
            waiting += place.children


def places_of(walked: Walked) -> dict[Way, Place]:
    """Return all places, those nearer to a root first."""
    found: dict[Way, Place] = {}
    owners: list[Place | None] = [None]
    for group in walked.groups[1:]:
        owner = owners[group.parent]
        owners.append(_place(group, owner, found))
    return found


def _place(group: Group, owner: Place | None, found: dict[Way, Place]) -> Place:
    if owner is not None and group.how in PARTS:
        owner.take(group)
        return owner
    way = _way(Step(group.how, group.text, group.type, group.name), owner)
    place = found.get(way)
    if place is None:
        place = found[way] = Place(way, group)
        if owner is not None:
            owner.children.append(place)
    else:
        place.count += group.objects
        place.retained += group.retained
        place.take(group)
    return place


def _way(step: Step, owner: Place | None) -> Way:
    """Return the way that ends with *step*; what a cell has stands where the cell does."""
    if owner is None:
        return (step,)
    if step.how is How.CONTENT:
        last = owner.way[-1]
        return (*owner.way[:-1], step._replace(how=last.how, text=last.text))
    return (*owner.way, step)


def types_below(place: Place) -> Mapping[str, int]:
    """Return how many objects of each type *place* leads to."""
    found = Counter(place.leaves)
    for below in place.below():
        found[below.type] += below.count
        found.update(below.leaves)
    return found


def name_of(way: Way) -> str:
    """Return *way* as one text, by the rules of the census.

    What a function encloses that neither a module nor a class has a name for, as most views of an
    application, begins with the function.
    """
    text = ""
    for depth, step in enumerate(way):
        before = way[depth - 1] if depth else None
        if before is not None and step.how in {How.CLOSURE, How.DEFAULT} and before.name:
            is_named = depth == 2 or way[depth - 2].type == CLASS
            text = text if is_named else before.name
        text += step_name(step)
    return text


def step_name(step: Step) -> str:
    """Return the text of one step: `.log`, `['a']`, `[*]`, `.<closure>.seen`."""
    named = {
        How.ROOT: step.text,
        How.ATTRIBUTE: f".{step.text}",
        How.KEY: f"[{step.text!r}]",
        How.ENTRY: "[*]",
        How.CLOSURE: f".<closure>.{step.text}",
        How.DEFAULT: f".<default>.{step.text}",
        How.LOCAL: f".<local>.{step.text}",
        How.THREAD: ".<thread>",
        How.KEYS: ".<keys>",
    }
    return named.get(step.how, f".<{step.type}>")


def is_orphaned(way: Way) -> bool:
    """Return whether no root that a person knows leads this way."""
    return way[0].text in {HELD, CYCLES}
