"""What alone leads to what: dominators, by Cooper, Harvey and Kennedy (2001)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def dominators(leads: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Return the nodes, each after its dominator, and the dominator of each.

    *leads* says where each node leads; node 0 leads to all others in the end.
    """
    order = _order(leads)
    place = {node: index for index, node in enumerate(order)}
    before: list[list[int]] = [[] for _ in order]
    for node in order:
        for target in leads[node]:
            before[place[target]].append(place[node])
    above = [-1] * len(order)
    above[0] = 0
    changed = True
    while changed:
        changed = False
        for index in range(1, len(order)):
            found = _meeting(before[index], above)
            if found != above[index]:
                above[index] = found
                changed = True
    by_node = [0] * len(leads)
    for index, node in enumerate(order):
        by_node[node] = order[above[index]]
    return order, by_node


def _order(leads: Sequence[Sequence[int]]) -> list[int]:
    """Return the nodes in the reverse of the order in which a depth-first search leaves them."""
    left: list[int] = []
    seen = {0}
    waiting = [(0, iter(leads[0]))]
    while waiting:
        node, targets = waiting[-1]
        for target in targets:
            if target not in seen:
                seen.add(target)
                waiting.append((target, iter(leads[target])))
                break
        else:
            left.append(node)
            waiting.pop()
    return left[::-1]


def _meeting(before: Sequence[int], above: Sequence[int]) -> int:
    """Return where the ways up from all of *before* meet, as far as these are known."""
    known = [one for one in before if above[one] >= 0]
    found = known[0]
    for other in known[1:]:
        one = other
        while found != one:
            while found > one:
                found = above[found]
            while one > found:
                one = above[one]
    return found
