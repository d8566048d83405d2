"""Monitors that see the resident memory of workers and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

from tools.accuracy.series import Series

Points = Sequence[tuple[float, int]]
TALLER = 1.2
DROP = 0.5
MIN_POINTS = 10
MIN_SHARE = 1 / 3
TAIL = 0.25
TAIL_SLOPE = 0.3
PER_HOUR = 50e6
HOUR = 3600.0


def rss_threshold(points: Points) -> bool:
    """Return whether a worker ends a fifth above the first tenth of its run."""
    if len(points) < MIN_POINTS:
        return False
    tenth = max(1, len(points) // 10)
    return points[-1][1] >= TALLER * median(bytes_ for _, bytes_ in points[:tenth])


def coroot(points: Points) -> bool:
    """Return what Coroot's published rule says of a worker, the run being its window."""
    run = max(_runs(points), key=len, default=[])
    if len(run) < MIN_POINTS or len(run) < MIN_SHARE * len(points):
        return False
    slope = _slope(run)
    tail = _slope(run[-max(2, round(TAIL * len(run))) :])
    return slope > 0 and tail >= TAIL_SLOPE * slope and slope * HOUR >= PER_HOUR


MONITORS: dict[str, Callable[[Points], bool]] = {
    "RSS +20 %": rss_threshold,
    "Coroot's rule": coroot,
}


def alarms(series: Series) -> dict[str, bool]:
    """Return for each monitor whether any worker would have alarmed it."""
    return {name: any(map(rule, series.values())) for name, rule in MONITORS.items()}


def _runs(points: Points) -> list[list[tuple[float, int]]]:
    """Return the stretches between drops of memory by half."""
    runs = [list(points[:1])]
    for before, after in pairwise(points):
        if after[1] < DROP * before[1]:
            runs.append([])
        runs[-1].append(after)
    return runs


def _slope(points: Points) -> float:
    """Return the slope of ordinary least squares, bytes per second."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
