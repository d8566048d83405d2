"""Checks a target with inputs that hypothesis generates and shrinks."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings

from tools.fuzz.targets import FuzzTarget

INPUTS_PER_ROUND = 300
"""Between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class FuzzOutcome:
    """How many inputs a target was checked with, and the smallest found that breaks its law."""

    inputs: int
    crash: bytes | None = None
    reason: str = ""


def check_generated(target: FuzzTarget, seconds: float, first_seed: int) -> FuzzOutcome:
    """Check *target* for about *seconds*."""
    until = time.monotonic() + seconds
    checked, number = 0, first_seed
    while True:
        outcome = check_round(target, INPUTS_PER_ROUND, number)
        checked += outcome.inputs
        if outcome.crash is not None or time.monotonic() > until:
            return FuzzOutcome(checked, outcome.crash, outcome.reason)
        number += 1


def check_round(target: FuzzTarget, max_inputs: int, number: int) -> FuzzOutcome:
    """Check *target* with up to *max_inputs*, those of the seed *number*."""
    inputs: list[bytes] = []

    @seed(number)
    @settings(
        max_examples=max_inputs,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def check(data: bytes) -> None:
        inputs.append(data)
        target.check(data)

    try:
        check()
    except Exception as error:  # noqa: BLE001 - any exception breaks a law
        return FuzzOutcome(len(inputs), inputs[-1], f"{type(error).__name__}: {error}"[:500])
    return FuzzOutcome(len(inputs))
