"""Which endpoint drives a growth: least squares without negative slopes, and a bootstrap."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bugsly_server.model.diagnosis import Share

BLOCKS = 24
"""Steps are summed in so many blocks before they are drawn from: neighbours are not independent."""
DRAWS = 40
SWEEPS = 60
MOST_ENDPOINTS = 8
"""The busiest; what the others do is seen together, as `OTHERS`."""
OTHERS = ""
FAILING = "\0failing"
"""Behind an endpoint's name: its requests that failed."""
ALIKE = 0.995
"""Cosine of two endpoints that always come together."""
SEED = 20_08
"""Draws are the same for the same dossier, so a verdict does not flicker."""


class Stretch(NamedTuple):
    """What grew by how much in a stretch of a life, and what was served in it."""

    grown: float
    served: Mapping[str, int]
    failed: Mapping[str, int]

    @property
    def requests(self) -> int:
        """Return how many were served, of all endpoints."""
        return sum(self.served.values())


class _Block(NamedTuple):
    """A few stretches, as the sums that least squares needs."""

    gram: list[list[float]]
    moment: list[float]


def share(stretches: Sequence[Stretch]) -> tuple[Share, ...]:
    """Return what each endpoint contributes to the growth in *stretches*, the most first.

    Endpoints that contribute nothing are left out.
    """
    names = _columns(stretches)
    rows = [[_amount(one, name, names) for name in names] for one in stretches]
    blocks = _blocks(rows, [one.grown for one in stretches])
    if not names or not blocks:
        return ()
    slopes = _solve(blocks)
    draws = _bootstrap(blocks)
    totals = [sum(row[index] for row in rows) for index in range(len(names))]
    whole = sum(slope * total for slope, total in zip(slopes, totals, strict=True))
    if whole <= 0:
        return ()
    found = [
        Share(
            endpoint=name.removesuffix(FAILING),
            slope=slopes[index],
            low=_quantile([draw[index] for draw in draws], 0.025),
            high=_quantile([draw[index] for draw in draws], 0.975),
            part=slopes[index] * totals[index] / whole,
            together=_together(index, names, rows),
            failing=name.endswith(FAILING),
            working=name + FAILING in names,
        )
        for index, name in enumerate(names)
        if slopes[index] * totals[index] > whole / 100
    ]
    return tuple(sorted(found, key=lambda one: one.part, reverse=True))


def joined(stretches: Iterable[Stretch]) -> Stretch:
    """Return all of *stretches* as one."""
    grown = 0.0
    served: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for one in stretches:
        grown += one.grown
        served.update(one.served)
        failed.update(one.failed)
    return Stretch(grown, served, failed)


def requests_of(stretch: Stretch, shares: Sequence[Share]) -> int:
    """Return how many requests of the driving endpoint *stretch* had; all where none drives."""
    if not drives(shares):
        return stretch.requests
    driver, *others = shares
    failed = stretch.failed.get(driver.endpoint, 0)
    if driver.failing:
        return failed
    spared = driver.working and not any(
        one.failing and one.endpoint == driver.endpoint for one in others
    )
    return stretch.served.get(driver.endpoint, 0) - (failed if spared else 0)


def drives(shares: Sequence[Share]) -> bool:
    """Return whether the first of *shares* is the one endpoint that drives the growth."""
    if not shares or not shares[0].endpoint or shares[0].together:
        return False
    return shares[0].part >= 0.6 and shares[0].low > 0


def endpoint_of(shares: Sequence[Share]) -> str:
    """Return the endpoint that drives a growth, empty where none does."""
    return shares[0].endpoint if drives(shares) else ""


def _columns(stretches: Sequence[Stretch]) -> list[str]:
    """Return the endpoints to tell apart, split where it shows which of their requests fail."""
    served: dict[str, int] = {}
    failed: dict[str, int] = {}
    for one in stretches:
        for name, number in one.served.items():
            served[name] = served.get(name, 0) + number
        for name, number in one.failed.items():
            failed[name] = failed.get(name, 0) + number
    busiest = sorted((name for name in served if served[name]), key=lambda name: -served[name])
    names = []
    for name in busiest[:MOST_ENDPOINTS]:
        names.append(name)
        if failed.get(name, 0) and _fails_apart(stretches, name):
            names.append(name + FAILING)
    return [*names, OTHERS] if len(busiest) > MOST_ENDPOINTS else names


def _fails_apart(stretches: Sequence[Stretch], name: str) -> bool:
    """Return whether failing requests of an endpoint come at other times than the rest of them."""
    fails = [float(one.failed.get(name, 0)) for one in stretches]
    works = [one.served.get(name, 0) - failed for one, failed in zip(stretches, fails, strict=True)]
    return _cosine(fails, works) <= ALIKE


def _amount(stretch: Stretch, name: str, names: Sequence[str]) -> float:
    if name == OTHERS:
        return float(sum(n for one, n in stretch.served.items() if one not in names))
    endpoint = name.removesuffix(FAILING)
    failed = stretch.failed.get(endpoint, 0)
    if name.endswith(FAILING):
        return float(failed)
    apart = failed if name + FAILING in names else 0
    return float(stretch.served.get(endpoint, 0) - apart)


def _blocks(rows: Sequence[Sequence[float]], grown: Sequence[float]) -> list[_Block]:
    if not rows:
        return []
    count = min(BLOCKS, len(rows))
    width = len(rows[0])
    blocks = [_Block([[0.0] * width for _ in range(width)], [0.0] * width) for _ in range(count)]
    for number, (row, grew) in enumerate(zip(rows, grown, strict=True)):
        block = blocks[number * count // len(rows)]
        busy = [index for index in range(width) if row[index]]
        weight = 1.0 / max(1.0, sum(row))
        for i in busy:
            block.moment[i] += weight * row[i] * grew
            for j in busy:
                block.gram[i][j] += weight * row[i] * row[j]
    return blocks


def _bootstrap(blocks: Sequence[_Block]) -> list[list[float]]:
    dice = random.Random(SEED)  # noqa: S311 - it draws samples, and guards nothing
    return [_solve([dice.choice(blocks) for _ in blocks]) for _ in range(DRAWS)]


def _solve(blocks: Sequence[_Block]) -> list[float]:
    """Return the non-negative slopes that fit best, by coordinate descent."""
    width = range(len(blocks[0].moment))
    gram = [[sum(one.gram[i][j] for one in blocks) for j in width] for i in width]
    moment = [sum(one.moment[i] for one in blocks) for i in width]
    slopes = [0.0 for _ in width]
    for _ in range(SWEEPS):
        moved = 0.0
        for i in width:
            if gram[i][i] <= 0:
                continue
            rest = sum(gram[i][j] * slopes[j] for j in width) - gram[i][i] * slopes[i]
            better = max(0.0, (moment[i] - rest) / gram[i][i])
            moved = max(moved, abs(better - slopes[i]) / (abs(better) + 1e-12))
            slopes[i] = better
        if moved < 1e-6:
            break
    return slopes


def _together(index: int, names: Sequence[str], rows: Sequence[Sequence[float]]) -> tuple[str, ...]:
    """Return the endpoints whose requests rise and fall with those of column *index*."""
    own = [row[index] for row in rows]
    return tuple(
        sorted(
            {
                name.removesuffix(FAILING)
                for other, name in enumerate(names)
                if name not in {OTHERS, names[index]}
                and _cosine(own, [row[other] for row in rows]) > ALIKE
            }
        )
    )


def _cosine(left: Sequence[float], right: Sequence[float]) -> float:
    size = math.sqrt(sum(x * x for x in left)) * math.sqrt(sum(x * x for x in right))
    return sum(x * y for x, y in zip(left, right, strict=True)) / size if size else 0.0


def _quantile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]
