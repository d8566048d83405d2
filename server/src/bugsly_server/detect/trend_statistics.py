"""Two rank statistics that no outlier impresses: whether there is a trend, and how steep."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

CONFIDENCE_95 = 1.96


class Slope(NamedTuple):
    """A slope and its 95 % interval."""

    value: float
    low: float
    high: float


def mann_kendall(values: Sequence[float]) -> float:
    """Return Mann-Kendall's z of *values* in order: 0 without a trend, above 2.6 a sure rise.

    Mann (1945), Kendall (1975), with the variance corrected for ties.
    """
    rising = sum(
        (later > earlier) - (later < earlier)
        for index, earlier in enumerate(values)
        for later in values[index + 1 :]
    )
    deviation = _kendall_deviation(values)
    if rising == 0 or deviation == 0:
        return 0.0
    return (rising - math.copysign(1, rising)) / deviation


def theil_sen(xs: Sequence[float], ys: Sequence[float]) -> Slope:
    """Return the median of all pairwise slopes, with Sen's interval (Sen 1968)."""
    slopes = sorted(
        (ys[j] - ys[i]) / (xs[j] - xs[i])
        for i in range(len(xs))
        for j in range(i + 1, len(xs))
        if xs[j] != xs[i]
    )
    if not slopes:
        return Slope(0.0, 0.0, 0.0)
    reach = CONFIDENCE_95 * _kendall_deviation(ys) / 2
    middle = (len(slopes) - 1) / 2
    low = slopes[max(0, math.floor(middle - reach))]
    high = slopes[min(len(slopes) - 1, math.ceil(middle + reach))]
    return Slope(median(slopes), low, high)


def median(ordered: Sequence[float]) -> float:
    """Return the median of *ordered*, which is sorted and not empty."""
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _kendall_deviation(values: Sequence[float]) -> float:
    n = len(values)
    ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(values).values())
    return math.sqrt((n * (n - 1) * (2 * n + 5) - ties) / 18)
