"""Solves least squares without negative slopes, for the attribution of growth to endpoints.

The active-set method of Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23. It is
exact where columns rise and fall almost together, which descent along coordinates is not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

TOLERANCE = 1e-9
"""The part of the largest gradient below which a gradient counts as none."""
MIN_INDEPENDENT_PART = 1e-9
"""The part of a column's square that the columns before it have to leave unexplained."""

Matrix = Sequence[Sequence[float]]


def solve_non_negative(gram: Matrix, moment: Sequence[float]) -> list[float]:
    """Return the x ≥ 0 that minimizes x·G·x - 2·m·x, where *gram* is G and *moment* is m.

    That is the solution of least squares for G = A'·A and m = A'·b. A column that others explain
    completely gets 0.
    """
    solution = [0.0] * len(moment)
    free: list[int] = []
    candidates = {index for index in range(len(moment)) if gram[index][index] > 0}
    threshold = TOLERANCE * max(
        (abs(moment[i]) / math.sqrt(gram[i][i]) for i in candidates), default=0
    )
    while candidates:
        gradients = {i: _gradient(i, gram, moment, solution) for i in candidates}
        best = max(gradients, key=gradients.__getitem__)
        if gradients[best] <= threshold:
            break
        candidates.remove(best)
        unbounded = _solve_columns([*free, best], gram, moment)
        if unbounded is None or unbounded[-1] <= 0:
            continue
        free.append(best)
        released = _step_within_bounds(free, gram, moment, solution)
        candidates |= released
    return solution


def _gradient(
    index: int, gram: Matrix, moment: Sequence[float], solution: Sequence[float]
) -> float:
    """Return how much the fit gains with column *index*, for columns of equal length."""
    explained = sum(a * b for a, b in zip(gram[index], solution, strict=True))
    return (moment[index] - explained) / math.sqrt(gram[index][index])


def _step_within_bounds(
    free: list[int], gram: Matrix, moment: Sequence[float], solution: list[float]
) -> set[int]:
    """Move *solution* to the best one for the *free* columns; return those that had to leave."""
    released: set[int] = set()
    while (target := _solve_columns(free, gram, moment)) is not None:
        negative = [n for n, value in enumerate(target) if value <= 0]
        step = min((_part_to_zero(solution[free[n]], target[n]) for n in negative), default=1.0)
        for n, column in enumerate(free):
            solution[column] += step * (target[n] - solution[column])
        if not negative:
            break
        leaving = [free[n] for n in negative if solution[free[n]] <= TOLERANCE * abs(target[n])]
        for column in leaving:
            solution[column] = 0.0
            free.remove(column)
        released |= set(leaving)
    return released


def _part_to_zero(now: float, target: float) -> float:
    """Return the part of the step from *now* to *target* after which the value is 0."""
    return now / (now - target) if now > target else 0.0


def _solve_columns(
    columns: Sequence[int], gram: Matrix, moment: Sequence[float]
) -> list[float] | None:
    """Return the least squares of *columns* alone, by Cholesky; None if they are dependent."""
    rows: list[list[float]] = []
    partial: list[float] = []
    for n, column in enumerate(columns):
        row: list[float] = []
        for m in range(n):
            inner = sum(a * b for a, b in zip(row, rows[m], strict=False))
            row.append((gram[column][columns[m]] - inner) / rows[m][m])
        rest = gram[column][column] - sum(value * value for value in row)
        if rest <= MIN_INDEPENDENT_PART * gram[column][column]:
            return None
        partial.append(moment[column] - sum(a * b for a, b in zip(row, partial, strict=True)))
        row.append(math.sqrt(rest))
        partial[n] /= row[n]
        rows.append(row)
    return _back_substituted(rows, partial)


def _back_substituted(rows: Sequence[Sequence[float]], partial: Sequence[float]) -> list[float]:
    solved = [0.0] * len(partial)
    for n in reversed(range(len(partial))):
        later = sum(rows[m][n] * solved[m] for m in range(n + 1, len(partial)))
        solved[n] = (partial[n] - later) / rows[n][n]
    return solved
