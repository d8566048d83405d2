"""Reduces a series to a few robust levels: the lower envelope of memory along requests or time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bugsly_server.clock import HOUR, MINUTE, Micros
from bugsly_server.model.growth import GrowthAxis
from bugsly_server.model.time_series import MemoryPoint

BLOCK_COUNT = 16
BOOT_REQUESTS = 200
BOOT_TIME: Micros = 10 * MINUTE


class LevelBlock(NamedTuple):
    """The level of memory around one place of the axis."""

    x: float
    y: float


def after_boot(points: Sequence[MemoryPoint], started_at: Micros) -> Sequence[MemoryPoint]:
    """Return *points* without the worker's first 200 requests, or 10 minutes if those are fewer."""
    for index, point in enumerate(points):
        if point.requests >= BOOT_REQUESTS or point.at - started_at >= BOOT_TIME:
            return points[index:]
    return ()


def level_blocks(
    points: Sequence[MemoryPoint], axis: GrowthAxis, count: int = BLOCK_COUNT
) -> list[LevelBlock]:
    """Return up to *count* blocks of equal width along *axis*, the empty ones left out.

    A block's level is the lower quartile of its samples, so that memory that is only borrowed
    for a request in flight does not count. The order of *points* does not matter: reports that
    overtake one another make requests run backwards in time.
    """
    levels = sorted((_axis_position(point, axis), point.low) for point in points)
    if not levels or levels[0][0] == levels[-1][0]:
        return []
    first, width = levels[0][0], (levels[-1][0] - levels[0][0]) / count
    members: list[list[tuple[float, int]]] = [[] for _ in range(count)]
    for position, low in levels:
        members[min(count - 1, int((position - first) / width))].append((position, low))
    return [_block(one) for one in members if one]


def _axis_position(point: MemoryPoint, axis: GrowthAxis) -> float:
    return float(point.requests) if axis is GrowthAxis.REQUESTS else point.at / HOUR


def _block(levels: Sequence[tuple[float, int]]) -> LevelBlock:
    lows = sorted(low for _, low in levels)
    return LevelBlock(
        sum(position for position, _ in levels) / len(levels), lows[(len(lows) - 1) // 4]
    )
