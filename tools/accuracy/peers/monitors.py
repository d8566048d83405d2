"""Monitors that see the resident memory of workers and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

from tools.accuracy.rss_series import RssSeries

RssPoints = Sequence[tuple[float, int]]
RSS_THRESHOLD_RATIO = 1.2
RESTART_DROP_RATIO = 0.5
MIN_POINTS = 10
MIN_RUN_SHARE = 1 / 3
TAIL_SHARE = 0.25
MIN_TAIL_SLOPE_RATIO = 0.3
MIN_BYTES_PER_HOUR = 50e6
SECONDS_PER_HOUR = 3600.0


def rss_threshold(points: RssPoints) -> bool:
    """Return whether a worker ends a fifth above the first tenth of its run."""
    if len(points) < MIN_POINTS:
        return False
    tenth = max(1, len(points) // 10)
    return points[-1][1] >= RSS_THRESHOLD_RATIO * median(bytes_ for _, bytes_ in points[:tenth])


def coroot(points: RssPoints) -> bool:
    """Return what Coroot's published rule says of a worker, the run being its window."""
    run = max(_split_at_drops(points), key=len, default=[])
    if len(run) < MIN_POINTS or len(run) < MIN_RUN_SHARE * len(points):
        return False
    slope = _slope(run)
    tail = _slope(run[-max(2, round(TAIL_SHARE * len(run))) :])
    return (
        slope > 0
        and tail >= MIN_TAIL_SLOPE_RATIO * slope
        and slope * SECONDS_PER_HOUR >= MIN_BYTES_PER_HOUR
    )


MONITORS: dict[str, Callable[[RssPoints], bool]] = {
    "RSS +20 %": rss_threshold,
    "Coroot's rule": coroot,
}


def alarms(series: RssSeries) -> dict[str, bool]:
    """Return for each monitor whether any worker would have alarmed it."""
    return {name: any(map(rule, series.values())) for name, rule in MONITORS.items()}


def _split_at_drops(points: RssPoints) -> list[list[tuple[float, int]]]:
    """Return the stretches between drops of memory by half."""
    runs = [list(points[:1])]
    for before, after in pairwise(points):
        if after[1] < RESTART_DROP_RATIO * before[1]:
            runs.append([])
        runs[-1].append(after)
    return runs


def _slope(points: RssPoints) -> float:
    """Return the slope of ordinary least squares, bytes per second."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
