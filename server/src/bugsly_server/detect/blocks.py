"""Reduces a series to a few robust levels: the lower envelope of memory along requests or time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bugsly_server.clock import HOUR, MINUTE, Micros
from bugsly_server.model.growth import Axis
from bugsly_server.model.series import Point

BLOCKS = 16
BOOT_REQUESTS = 200
BOOT_TIME: Micros = 10 * MINUTE


class Block(NamedTuple):
    """The level of memory around one place of the axis."""

    x: float
    y: float


def after_boot(points: Sequence[Point], started_at: Micros) -> Sequence[Point]:
    """Return *points* without the worker's first 200 requests, or 10 minutes if those are fewer."""
    for index, point in enumerate(points):
        if point.requests >= BOOT_REQUESTS or point.at - started_at >= BOOT_TIME:
            return points[index:]
    return ()


def blocks(points: Sequence[Point], axis: Axis, count: int = BLOCKS) -> list[Block]:
    """Return up to *count* blocks of equal width along *axis*, the empty ones left out.

    A block's level is the lower quartile of its samples, so that memory that is only borrowed
    for a request in flight does not count.
    """
    if not points:
        return []
    places = [_place(point, axis) for point in points]
    first, width = places[0], (places[-1] - places[0]) / count
    if width <= 0:
        return []
    members: list[list[int]] = [[] for _ in range(count)]
    for index, place in enumerate(places):
        members[min(count - 1, int((place - first) / width))].append(index)
    return [
        _block([places[i] for i in one], [points[i].low for i in one]) for one in members if one
    ]


def _place(point: Point, axis: Axis) -> float:
    return float(point.requests) if axis is Axis.REQUESTS else point.at / HOUR


def _block(places: list[float], lows: list[int]) -> Block:
    lows.sort()
    return Block(sum(places) / len(places), lows[(len(lows) - 1) // 4])
