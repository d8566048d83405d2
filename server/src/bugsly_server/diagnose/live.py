"""What a life gained after its warm-up, and how much of that is live: given out, not got back."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from bugsly_server.model.dossier import Life, Step

BLOCK_BYTES = 90.0
"""Of the mean block of Python's own allocator, where nothing tells."""
MOST_BLOCK_BYTES = 512.0
"""Of the largest; what is larger comes from the C allocator, and is counted there."""
LEAST_STEPS = 6
MOST = 0.5
"""The part of a life in which live bytes have to have been read."""
STEADILY = 0.6
"""What the later half of live growth is to the earlier where it will not stop by itself."""


class Moved(NamedTuple):
    """What a life gained after its warm-up. Sizes are bytes."""

    requests: int
    anonymous: int
    live: int | None
    """What was given out and not got back; None where the allocators do not tell."""
    live_at_most: int | None
    """The same, were all blocks of Python's allocator as large as its blocks can be."""
    steadily: bool
    """Whether live bytes grow as fast in the later half as in the earlier."""


def moved(life: Life, block_bytes: float = BLOCK_BYTES) -> Moved | None:
    """Return what *life* gained between its second eighth and its end; None where it is young."""
    steps = life.steps
    if len(steps) < LEAST_STEPS:
        return None
    begin = steps[len(steps) // 8]
    ends = steps[-max(2, len(steps) // 8) :]
    live = live_bytes(steps[len(steps) // 8 :], block_bytes)
    most = live_bytes(steps[len(steps) // 8 :], MOST_BLOCK_BYTES)
    early, late = _halves(live)
    return Moved(
        requests=steps[-1].requests - begin.requests,
        anonymous=min(step.anonymous for step in ends) - _low(steps, begin.requests).anonymous,
        live=_over(live, steps, early + late),
        live_at_most=_over(most, steps, sum(_halves(most))),
        steadily=late >= STEADILY * early > 0,
    )


def _over(live: Sequence[tuple[int, float]], steps: Sequence[Step], gained: float) -> int | None:
    """Return what was *gained* over all of *steps*, of which *live* may only be the beginning."""
    if len(live) < LEAST_STEPS:
        return None
    seen = live[-1][0] - live[0][0]
    if seen < MOST * (steps[-1].requests - steps[0].requests):
        return None
    return round(gained * max(1.0, (steps[-1].requests - live[0][0]) / seen))


def live_bytes(steps: Sequence[Step], block_bytes: float = BLOCK_BYTES) -> list[tuple[int, float]]:
    """Return requests and live bytes where both allocators were read, Python's if it ever was."""
    told = any(step.blocks is not None for step in steps)
    return [
        (step.requests, step.in_use + (step.blocks or 0) * block_bytes)
        for step in steps
        if step.in_use and (step.blocks is not None or not told)
    ]


def _halves(live: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Return what live bytes gained in either half of the requests, outliers apart."""
    if len(live) < LEAST_STEPS:
        return 0.0, 0.0
    smooth = [
        (live[index][0], statistics.median(amount for _, amount in live[index - 1 : index + 2]))
        for index in range(1, len(live) - 1)
    ]
    (first, begin), (last, end) = smooth[0], smooth[-1]
    inner = _between(smooth, (first + last) / 2)
    return inner - begin, end - inner


def _between(live: Sequence[tuple[int, float]], requests: float) -> float:
    """Return live bytes after *requests*, between two readings by a straight line."""
    for (left, before), (right, after) in pairwise(live):
        if left <= requests <= right:
            return before + (after - before) * (requests - left) / max(1, right - left)
    return live[-1][1]


def _low(steps: Sequence[Step], until: int) -> Step:
    """Return the step of least memory around the one that had served *until*."""
    near = [step for step in steps if until <= step.requests <= until * 1.5] or [steps[0]]
    return min(near, key=lambda step: step.anonymous)
