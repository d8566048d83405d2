"""Reduces a series of walk results to what grew, for the child of the walker in Python.

It keeps what growing_groups.c of the walker in C keeps.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from bugsly.heap.walk_result import (
    CYCLES_ROOT,
    HELD_BY_C_ROOT,
    PART_EDGES,
    EdgeKind,
    select_groups,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bugsly.heap.walk_result import WalkResult


class _GroupIdentity(NamedTuple):
    """What a group has in common with the same group of other results; *parent* is a number."""

    parent: int
    edge: EdgeKind
    text: str
    type: str
    name: str


class _GroupTotals:
    """What one group and its parts hold in each result."""

    def __init__(self, result_count: int) -> None:
        self.entries = [0] * result_count
        self.child_objects = [0] * result_count
        self.shallow = [0] * result_count

    def grows(self) -> bool:
        held = [
            entries or inner
            for entries, inner in zip(self.entries, self.child_objects, strict=True)
        ]
        return _always_rises(held) or _always_rises(self.shallow)


def keep_growing(results: Sequence[WalkResult]) -> list[WalkResult]:
    """Return *results* with only what grew in every interval, and what no root leads to.

    All groups above and below these are kept, too.
    """
    numbers: dict[_GroupIdentity, int] = {_GroupIdentity(0, EdgeKind.ROOT, "", "", ""): 0}
    numbers_by_result = [_group_numbers(one, numbers) for one in results]
    kept = _kept_numbers(list(numbers), _group_totals(results, numbers_by_result, list(numbers)))
    return [
        one._replace(
            groups=select_groups(one.groups, [at for at, is_ in enumerate(row) if is_ in kept])
        )
        for one, row in zip(results, numbers_by_result, strict=True)
    ]


def _group_numbers(result: WalkResult, numbers: dict[_GroupIdentity, int]) -> list[int]:
    """Return the number of each group of *result*, the same in all results."""
    group_numbers = [0]
    for group in result.groups[1:]:
        key = _GroupIdentity(
            group_numbers[group.parent], group.edge, group.text, group.type, group.name
        )
        group_numbers.append(numbers.setdefault(key, len(numbers)))
    return group_numbers


def _group_totals(
    results: Sequence[WalkResult],
    numbers_by_result: Sequence[Sequence[int]],
    keys: Sequence[_GroupIdentity],
) -> dict[int, _GroupTotals]:
    owner = [0]
    for number, key in enumerate(keys[1:], 1):
        owner.append(owner[key.parent] if key.parent and key.edge in PART_EDGES else number)
    totals: dict[int, _GroupTotals] = defaultdict(lambda: _GroupTotals(len(results)))
    for index, result in enumerate(results):
        for number, group in zip(numbers_by_result[index][1:], result.groups[1:], strict=True):
            total = totals[owner[number]]
            total.entries[index] += group.entries
            total.shallow[index] += group.shallow
            if owner[number] == number:
                totals[owner[keys[number].parent]].child_objects[index] += group.objects
    return totals


def _kept_numbers(keys: Sequence[_GroupIdentity], totals: dict[int, _GroupTotals]) -> set[int]:
    below = set[int]()
    for number, key in enumerate(keys[1:], 1):
        is_unreachable = not key.parent and key.text in {HELD_BY_C_ROOT, CYCLES_ROOT}
        if key.parent in below or is_unreachable or (number in totals and totals[number].grows()):
            below.add(number)
    above = {0}
    for number in range(len(keys) - 1, 0, -1):
        if number in below or number in above:
            above.add(keys[number].parent)
    return below | above


def _always_rises(counts: Sequence[int]) -> bool:
    return all(later > earlier for earlier, later in pairwise(counts))
