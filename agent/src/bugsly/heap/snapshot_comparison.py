"""Finds the holders that grow with the requests, for the heap probe, from two to five snapshots.

A holder is reported only if it grew in every interval, and by about as much per request, of all
requests or of those of one endpoint. A cache that fills up once does not. Where all that grows is
below one holder, only that holder is reported.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from bugsly.heap.heap_holders import (
    CELL_TYPE,
    HolderNode,
    descendant_types,
    format_path,
    format_step,
    is_unreachable,
    nodes_of,
)
from bugsly.heap.walk_result import CYCLES_ROOT, HELD_BY_C_ROOT, EdgeKind, WalkResult
from bugsly.introspection.path_text import shorten
from bugsly.protocol.evidence import HeapHolder, HolderPathStep, UnreachableObjects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bugsly.heap.heap_holders import NodePath, NodeStep

MIN_RATE_RATIO = 0.3
"""Lowest gain per request of an interval, relative to the highest."""
MIN_GAINED_OBJECTS, MIN_GAINED_BYTES = 8, 8_192
"""Objects, and bytes, that a holder has to gain in all."""
MAX_HOLDERS, MAX_UNREACHABLE_TYPES, MAX_TYPES_PER_HOLDER = 20, 20, 6
MAX_DRIVER_ENDPOINTS = 8
DOMINANT_SHARE = 0.7
"""Share of its parent's retained size from which on a child is reported instead of it."""
AGENT_PACKAGE = "bugsly"


class HeapObservation(NamedTuple):
    """A snapshot of the heap, after so many *requests* of the worker."""

    requests: int
    walk: WalkResult
    requests_by_endpoint: Mapping[tuple[str, str], int] = MappingProxyType({})
    """By endpoint: method and rule."""


def growing_holders(snapshots: Sequence[HeapObservation]) -> tuple[HeapHolder, ...]:
    """Return the holders that grew from each of the *snapshots* to the next, largest gain first."""
    drivers = _request_series(snapshots)
    nodes_by_snapshot = [nodes_of(one.walk) for one in snapshots]
    suspects = [
        node
        for path, node in nodes_by_snapshot[-1].items()
        if not is_unreachable(path)
        and _is_reportable(node)
        and _grows_with_requests([nodes.get(path) for nodes in nodes_by_snapshot], drivers)
    ]
    found = [_to_heap_holder(node, nodes_by_snapshot) for node in suspects]
    found.sort(key=lambda holder: holder.retained[-1] - holder.retained[0], reverse=True)
    return _distinct_paths(found)


def heaviest_holders(snapshot: HeapObservation) -> tuple[HeapHolder, ...]:
    """Return the holders that retain most, largest first, none of them with a dominant child."""
    nodes_by_path = nodes_of(snapshot.walk)
    found = [
        node
        for path, node in nodes_by_path.items()
        if not is_unreachable(path) and _is_reportable(node) and _branches_out(node)
    ]
    found.sort(key=lambda node: node.retained, reverse=True)
    return _distinct_paths(
        [_to_heap_holder(node, [nodes_by_path]) for node in found[: 2 * MAX_HOLDERS]]
    )


def growing_unreachable(
    snapshots: Sequence[HeapObservation], *, collected: bool
) -> tuple[UnreachableObjects, ...]:
    """Return types whose unreachable objects increase in number with the requests.

    Objects in cycles count only if *collected*: the collector has run, or is switched off.
    """
    drivers = _request_series(snapshots)
    totals_by_snapshot = [_unreachable_by_type(one.walk, collected=collected) for one in snapshots]
    found = []
    for kind in totals_by_snapshot[-1]:
        series = [totals.get(kind, (0, 0)) for totals in totals_by_snapshot]
        counts, sizes = tuple(one[0] for one in series), tuple(one[1] for one in series)
        if len(snapshots) == 1 or _rises_evenly(counts, drivers, MIN_GAINED_OBJECTS):
            found.append(UnreachableObjects(type=kind, counts=counts, bytes=sizes))
    found.sort(
        key=lambda unreachable: (
            unreachable.bytes[-1] - unreachable.bytes[0] or unreachable.bytes[-1]
        ),
        reverse=True,
    )
    return tuple(found[:MAX_UNREACHABLE_TYPES])


def _unreachable_by_type(walk: WalkResult, *, collected: bool) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for path, node in nodes_of(walk).items():
        if len(path) != 2 or path[0].text not in {HELD_BY_C_ROOT, CYCLES_ROOT}:
            continue
        if path[0].text == HELD_BY_C_ROOT or collected:
            count, size = found[node.type]
            descendant_bytes = sum(one.shallow for one in node.descendants())
            found[node.type] = (count + node.count, size + node.shallow + descendant_bytes)
    return dict(found)


def _is_reportable(node: HolderNode) -> bool:
    """Return whether *node* is neither a cell, nor a root without entries, nor the agent's."""
    names = [node.root, *(name for step in node.path for name in (step.type, step.name))]
    is_agent = any(name == AGENT_PACKAGE or name.startswith(f"{AGENT_PACKAGE}.") for name in names)
    return (
        not is_agent
        and node.type != CELL_TYPE
        and (len(node.path) > 1 or node.entries + node.attribute_count > 0)
    )


def _request_series(snapshots: Sequence[HeapObservation]) -> list[list[int]]:
    """Return requests at each snapshot: of all endpoints, then of each of the busiest ones."""
    first, last = snapshots[0].requests_by_endpoint, snapshots[-1].requests_by_endpoint
    busiest = sorted(last, key=lambda name: last[name] - first.get(name, 0), reverse=True)
    by_endpoint = [
        [one.requests_by_endpoint.get(name, 0) for one in snapshots]
        for name in busiest[:MAX_DRIVER_ENDPOINTS]
    ]
    return [[one.requests for one in snapshots], *by_endpoint]


def _grows_with_requests(
    series: Sequence[HolderNode | None], drivers: Sequence[Sequence[int]]
) -> bool:
    """Return whether a holder grows evenly and the number of such holders does not."""
    counts = [0 if one is None else one.count for one in series]
    if _rises_evenly(counts, drivers, MIN_GAINED_OBJECTS):
        return False
    held_counts = [0 if one is None else one.held_count for one in series]
    sizes = [0 if one is None else one.shallow for one in series]
    return _rises_evenly(held_counts, drivers, MIN_GAINED_OBJECTS) or _rises_evenly(
        sizes, drivers, MIN_GAINED_BYTES
    )


def _rises_evenly(counts: Sequence[int], drivers: Sequence[Sequence[int]], min_gain: int) -> bool:
    """Return whether *counts* rose in every interval, by about as much per request of a driver."""
    gains = [later - earlier for earlier, later in pairwise(counts)]
    if not gains or sum(gains) < min_gain or min(gains) <= 0:
        return False
    for driver in drivers:
        rates = [
            gained / max(1, until - since)
            for gained, (since, until) in zip(gains, pairwise(driver), strict=True)
        ]
        if min(rates) >= MIN_RATE_RATIO * max(rates):
            return True
    return False


def _branches_out(node: HolderNode) -> bool:
    return not any(one.retained > DOMINANT_SHARE * node.retained for one in node.children)


def _to_heap_holder(
    node: HolderNode, nodes_by_snapshot: Sequence[dict[NodePath, HolderNode]]
) -> HeapHolder:
    series = [nodes.get(node.path) for nodes in nodes_by_snapshot]
    types = sorted(
        descendant_types(node).items(), key=lambda type_count: type_count[1], reverse=True
    )
    return HeapHolder(
        path=shorten(format_path(node.path)),
        hops=tuple(
            HolderPathStep(name=format_step(step), type=_step_type(step)) for step in node.path
        ),
        counts=tuple(0 if one is None else one.held_count for one in series),
        retained=tuple(0 if one is None else one.retained for one in series),
        types=dict(types[:MAX_TYPES_PER_HOLDER]),
    )


def _step_type(step: NodeStep) -> str:
    """Return the type of what a step leads to, `call` for a running call."""
    is_call = step.edge is EdgeKind.ROOT and step.type in {"", "frame"}
    return "call" if is_call else step.type


def _distinct_paths(found: Iterable[HeapHolder]) -> tuple[HeapHolder, ...]:
    """Return the first of each path, `MAX_HOLDERS` at most."""
    by_path: dict[str, HeapHolder] = {}
    for holder in found:
        by_path.setdefault(holder.path, holder)
    return tuple(by_path.values())[:MAX_HOLDERS]
