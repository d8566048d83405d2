"""Attributes a growth to endpoints by non-negative least squares with a bootstrap."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bugsly_server.diagnose.growth.non_negative_least_squares import solve_non_negative
from bugsly_server.model.diagnosis import EndpointAttribution, EndpointShare

BOOTSTRAP_BLOCKS = 24
"""Intervals are summed into this many blocks for the bootstrap: neighbours are not independent."""
BOOTSTRAP_DRAWS = 40
MAX_ENDPOINTS = 8
"""The busiest endpoints; the others count together, as `OTHER_ENDPOINTS`."""
OTHER_ENDPOINTS = ""
FAILING_SUFFIX = "\0failing"
"""Follows an endpoint's name in a column of its failed requests."""
MIN_COSINE_TOGETHER = 0.995
"""The cosine from which two endpoints always come together."""
SEED = 20_08
"""Makes the draws repeatable, so that the same evidence gives the same verdict."""


class GrowthInterval(NamedTuple):
    """What a holder or memory gained in a part of a worker's history, and the requests in it."""

    gained: float
    served: Mapping[str, int]
    failed: Mapping[str, int]

    @property
    def requests(self) -> int:
        """Return how many requests were served, of all endpoints."""
        return sum(self.served.values())


class AttributedGrowth(NamedTuple):
    """A growth, and the requests that drive it."""

    attribution: EndpointAttribution
    driving_requests: tuple[int, ...]
    """Those of the endpoint that drives it, in each interval; all where none does."""
    total: GrowthInterval
    """All intervals as one."""


class _BlockSums(NamedTuple):
    """A few intervals, as the sums that least squares needs."""

    gram: list[list[float]]
    moment: list[float]


def attribute_growth(intervals: Sequence[GrowthInterval]) -> tuple[EndpointShare, ...]:
    """Return what each endpoint contributes to the growth in *intervals*, the most first.

    Endpoints that contribute nothing are left out.
    """
    names = _endpoint_columns(intervals)
    rows = [[_column_value(one, name, names) for name in names] for one in intervals]
    blocks = _blocks(rows, [one.gained for one in intervals])
    if not names or not blocks:
        return ()
    slopes = _solve(blocks)
    draws = _bootstrap(blocks)
    totals = [sum(row[index] for row in rows) for index in range(len(names))]
    whole_growth = sum(slope * total for slope, total in zip(slopes, totals, strict=True))
    if whole_growth <= 0:
        return ()
    shares = [
        EndpointShare(
            endpoint=name.removesuffix(FAILING_SUFFIX),
            slope=slopes[index],
            low=_quantile([draw[index] for draw in draws], 0.025),
            high=_quantile([draw[index] for draw in draws], 0.975),
            part=slopes[index] * totals[index] / whole_growth,
            together=_inseparable_endpoints(index, names, rows),
            failing=name.endswith(FAILING_SUFFIX),
            working=name + FAILING_SUFFIX in names,
        )
        for index, name in enumerate(names)
        if slopes[index] * totals[index] > whole_growth / 100
    ]
    return tuple(sorted(shares, key=lambda share: share.part, reverse=True))


def attribute_intervals(intervals: Sequence[GrowthInterval]) -> AttributedGrowth:
    """Return which endpoint drives the growth in *intervals*, and with how many requests."""
    shares = attribute_growth(intervals)
    return AttributedGrowth(
        attribution=EndpointAttribution(endpoint=driving_endpoint(shares), shares=shares),
        driving_requests=tuple(driving_requests(one, shares) for one in intervals),
        total=_sum_intervals(intervals),
    )


def _sum_intervals(intervals: Iterable[GrowthInterval]) -> GrowthInterval:
    """Return all of *intervals* as one."""
    gained = 0.0
    served: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for interval in intervals:
        gained += interval.gained
        served.update(interval.served)
        failed.update(interval.failed)
    return GrowthInterval(gained, served, failed)


def driving_requests(interval: GrowthInterval, shares: Sequence[EndpointShare]) -> int:
    """Return the number of driving requests in *interval*: all of them where no endpoint drives."""
    if not has_driver(shares):
        return interval.requests
    driver, *others = shares
    failed = interval.failed.get(driver.endpoint, 0)
    if driver.failing:
        return failed
    is_without_failing = driver.working and not any(
        one.failing and one.endpoint == driver.endpoint for one in others
    )
    return interval.served.get(driver.endpoint, 0) - (failed if is_without_failing else 0)


def has_driver(shares: Sequence[EndpointShare]) -> bool:
    """Return whether the first of *shares* alone drives the growth."""
    if not shares or not shares[0].endpoint or shares[0].together:
        return False
    return shares[0].part >= 0.6 and shares[0].low > 0


def driving_endpoint(shares: Sequence[EndpointShare]) -> str | None:
    """Return the endpoint that drives a growth, None where none does."""
    return shares[0].endpoint if has_driver(shares) else None


def _endpoint_columns(intervals: Sequence[GrowthInterval]) -> list[str]:
    """Return the columns: endpoints, with failing requests apart where they can be told apart."""
    served: dict[str, int] = {}
    failed: dict[str, int] = {}
    for interval in intervals:
        for name, number in interval.served.items():
            served[name] = served.get(name, 0) + number
        for name, number in interval.failed.items():
            failed[name] = failed.get(name, 0) + number
    busiest = sorted((name for name in served if served[name]), key=lambda name: -served[name])
    names = []
    for name in busiest[:MAX_ENDPOINTS]:
        names.append(name)
        if failed.get(name, 0) and _fails_apart(intervals, name):
            names.append(name + FAILING_SUFFIX)
    return [*names, OTHER_ENDPOINTS] if len(busiest) > MAX_ENDPOINTS else names


def _fails_apart(intervals: Sequence[GrowthInterval], name: str) -> bool:
    """Return whether failing requests of an endpoint come at other times than the rest of them."""
    failing = [float(one.failed.get(name, 0)) for one in intervals]
    working = [
        one.served.get(name, 0) - failed for one, failed in zip(intervals, failing, strict=True)
    ]
    return _cosine(failing, working) <= MIN_COSINE_TOGETHER


def _column_value(interval: GrowthInterval, name: str, names: Sequence[str]) -> float:
    if name == OTHER_ENDPOINTS:
        return float(sum(n for one, n in interval.served.items() if one not in names))
    endpoint = name.removesuffix(FAILING_SUFFIX)
    failed = interval.failed.get(endpoint, 0)
    if name.endswith(FAILING_SUFFIX):
        return float(failed)
    apart = failed if name + FAILING_SUFFIX in names else 0
    return float(interval.served.get(endpoint, 0) - apart)


def _blocks(rows: Sequence[Sequence[float]], gained: Sequence[float]) -> list[_BlockSums]:
    if not rows:
        return []
    count = min(BOOTSTRAP_BLOCKS, len(rows))
    width = len(rows[0])
    blocks = [
        _BlockSums([[0.0] * width for _ in range(width)], [0.0] * width) for _ in range(count)
    ]
    for number, (row, gain) in enumerate(zip(rows, gained, strict=True)):
        block = blocks[number * count // len(rows)]
        nonzero = [index for index in range(width) if row[index]]
        weight = 1.0 / max(1.0, sum(row))
        for i in nonzero:
            block.moment[i] += weight * row[i] * gain
            for j in nonzero:
                block.gram[i][j] += weight * row[i] * row[j]
    return blocks


def _bootstrap(blocks: Sequence[_BlockSums]) -> list[list[float]]:
    rng = random.Random(SEED)  # noqa: S311 - it draws samples, and guards nothing
    return [_solve([rng.choice(blocks) for _ in blocks]) for _ in range(BOOTSTRAP_DRAWS)]


def _solve(blocks: Sequence[_BlockSums]) -> list[float]:
    """Return the non-negative slopes that fit best."""
    width = range(len(blocks[0].moment))
    gram = [[sum(one.gram[i][j] for one in blocks) for j in width] for i in width]
    return solve_non_negative(gram, [sum(one.moment[i] for one in blocks) for i in width])


def _inseparable_endpoints(
    index: int, names: Sequence[str], rows: Sequence[Sequence[float]]
) -> tuple[str, ...]:
    """Return the endpoints whose requests rise and fall with those of column *index*."""
    own = [row[index] for row in rows]
    return tuple(
        sorted(
            {
                name.removesuffix(FAILING_SUFFIX)
                for other, name in enumerate(names)
                if name not in {OTHER_ENDPOINTS, names[index]}
                and _cosine(own, [row[other] for row in rows]) > MIN_COSINE_TOGETHER
            }
        )
    )


def _cosine(left: Sequence[float], right: Sequence[float]) -> float:
    size = math.sqrt(sum(x * x for x in left)) * math.sqrt(sum(x * x for x in right))
    return sum(x * y for x, y in zip(left, right, strict=True)) / size if size else 0.0


def _quantile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]
