"""Looks taken earlier, and what has grown from each to the next; as the walker in C finds it."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from bugsly.heap.groups import CYCLES, HELD, PARTS, How, only

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bugsly.heap.groups import Walked


class _Key(NamedTuple):
    """A group of any look; *parent* is a number of one."""

    parent: int
    how: How
    text: str
    type: str
    name: str


class _Sum:
    """What one group and its parts have in each look."""

    def __init__(self, looks: int) -> None:
        self.entries = [0] * looks
        self.inner = [0] * looks
        self.shallow = [0] * looks

    def grows(self) -> bool:
        holds = [entries or inner for entries, inner in zip(self.entries, self.inner, strict=True)]
        return _rises(holds) or _rises(self.shallow)


def what_grows(looks: Sequence[Walked]) -> list[Walked]:
    """Return *looks* with only what grew in every interval, or no root leads to.

    With it comes all below, and the way to it.
    """
    numbers: dict[_Key, int] = {_Key(0, How.ROOT, "", "", ""): 0}
    known = [_known(one, numbers) for one in looks]
    marks = _marks(list(numbers), _sums(looks, known, list(numbers)))
    return [
        one._replace(groups=only(one.groups, [at for at, is_ in enumerate(row) if is_ in marks]))
        for one, row in zip(looks, known, strict=True)
    ]


def _known(look: Walked, numbers: dict[_Key, int]) -> list[int]:
    """Return the number of each group of *look*, the same in all looks."""
    known = [0]
    for one in look.groups[1:]:
        key = _Key(known[one.parent], one.how, one.text, one.type, one.name)
        known.append(numbers.setdefault(key, len(numbers)))
    return known


def _sums(
    looks: Sequence[Walked], known: Sequence[Sequence[int]], keys: Sequence[_Key]
) -> dict[int, _Sum]:
    owner = [0]
    for number, key in enumerate(keys[1:], 1):
        owner.append(owner[key.parent] if key.parent and key.how in PARTS else number)
    sums: dict[int, _Sum] = defaultdict(lambda: _Sum(len(looks)))
    for look, one in enumerate(looks):
        for number, group in zip(known[look][1:], one.groups[1:], strict=True):
            held = sums[owner[number]]
            held.entries[look] += group.entries
            held.shallow[look] += group.shallow
            if owner[number] == number:
                sums[owner[keys[number].parent]].inner[look] += group.objects
    return sums


def _marks(keys: Sequence[_Key], sums: dict[int, _Sum]) -> set[int]:
    below = set[int]()
    for number, key in enumerate(keys[1:], 1):
        is_lost = not key.parent and key.text in {HELD, CYCLES}
        if key.parent in below or is_lost or (number in sums and sums[number].grows()):
            below.add(number)
    above = {0}
    for number in range(len(keys) - 1, 0, -1):
        if number in below or number in above:
            above.add(keys[number].parent)
    return below | above


def _rises(counts: Sequence[int]) -> bool:
    return all(later > earlier for earlier, later in pairwise(counts))
