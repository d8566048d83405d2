"""Computes dominators for the walk in Python, as Cooper, Harvey and Kennedy (2001) do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def dominators(successors: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """Return the nodes, each after its dominator, and the dominator of each.

    *successors* lists the targets of each node's edges. Every node can be reached from node 0.
    """
    order = _reverse_postorder(successors)
    position = {node: index for index, node in enumerate(order)}
    predecessors: list[list[int]] = [[] for _ in order]
    for node in order:
        for target in successors[node]:
            predecessors[position[target]].append(position[node])
    dominator = [-1] * len(order)
    dominator[0] = 0
    changed = True
    while changed:
        changed = False
        for index in range(1, len(order)):
            nearest = _common_dominator(predecessors[index], dominator)
            if nearest != dominator[index]:
                dominator[index] = nearest
                changed = True
    by_node = [0] * len(successors)
    for index, node in enumerate(order):
        by_node[node] = order[dominator[index]]
    return order, by_node


def _reverse_postorder(successors: Sequence[Sequence[int]]) -> list[int]:
    """Return the nodes in the reverse of the order in which a depth-first search leaves them."""
    postorder: list[int] = []
    seen = {0}
    stack = [(0, iter(successors[0]))]
    while stack:
        node, targets = stack[-1]
        for target in targets:
            if target not in seen:
                seen.add(target)
                stack.append((target, iter(successors[target])))
                break
        else:
            postorder.append(node)
            stack.pop()
    return postorder[::-1]


def _common_dominator(predecessors: Sequence[int], dominator: Sequence[int]) -> int:
    """Return the nearest common dominator of *predecessors*, without those that have none yet."""
    known = [one for one in predecessors if dominator[one] >= 0]
    found = known[0]
    for other in known[1:]:
        finger = other
        while found != finger:
            while found > finger:
                found = dominator[found]
            while finger > found:
                finger = dominator[finger]
    return found
