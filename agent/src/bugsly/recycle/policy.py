"""Whether a worker is recycled now: takes what is known, returns a decision and its reason.

It never asks for more than one worker to be missing, and never for a worker that would come back
as large as it left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bugsly.protocol.net import Hindrance

if TYPE_CHECKING:
    from bugsly.recycle.forecast import Outlook

NEAR = 0.8
"""Of the limit: a fresh worker that starts there would soon be back."""
PATIENCE = 60.0
"""Seconds a replacement may take to come up before something is said to be wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the user allows: the limit in bytes, seconds of life, departures per hour and host."""

    at: int
    least_age: float
    per_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What holds now; times are seconds, memory bytes."""

    fresh: int
    """What this worker had when it was ready."""
    age: float
    """Since it was ready."""
    ready: int
    """Workers of its master that are ready, itself among them."""
    wanted: int
    """Workers its master keeps."""
    recycled: int = 0
    """Workers of the host that were recycled in the last hour."""
    overdue: float | None = None
    """Since the last of its own master's went, where its replacement should long be ready."""
    elsewhere: bool = False
    """Whether a worker of another master went, and its replacement may yet become ready."""
    changed: str = ""
    """A file of the application that is not what this worker loaded."""


@dataclass(frozen=True, slots=True)
class Wait:
    """It is not recycled, for this reason."""

    hindrance: Hindrance
    because: str


def find_reason(memory: int, outlook: Outlook | None, drain: float, rules: Rules) -> str:
    """Return why a worker with *memory* should go, '' where it may stay.

    *drain* is how many seconds leaving and starting anew may take.
    """
    if not rules.at:
        return ""
    if memory >= rules.at:
        return f"its private memory, {size(memory)}, passed {size(rules.at)}"
    if outlook is not None and outlook.seconds < drain:
        return (
            f"at {size(memory)}, it grows by {size(outlook.growth)}/s,"
            f" and memory may run out in {outlook.seconds:.0f} s"
        )
    return ""


def find_hindrance(now: Situation, rules: Rules) -> Wait | None:
    """Return what keeps it from going; what lasts is named before what passes by itself."""
    return _lasting(now, rules) or _passing(now, rules)


def unsupported(obstacle: str) -> Wait:
    """Return the word of a worker that cannot leave without failing a request."""
    return Wait(Hindrance.UNSUPPORTED, f"recycling: {obstacle}")


def another_leaves() -> Wait:
    """Return the word of a worker that finds another one of its host leaving."""
    return Wait(
        Hindrance.TURN,
        "recycling: another worker of this host is leaving or being replaced → it waits its turn",
    )


def stuck(seconds: float) -> Wait:
    """Return the word of a worker that was told to end *seconds* ago, and did not."""
    return Wait(
        Hindrance.REPLACEMENT,
        f"recycling: it was told to leave {seconds:.0f} s ago and is still here, so no sibling of"
        " it can go → see which request does not end, and whether its worker class stops",
    )


def _lasting(now: Situation, rules: Rules) -> Wait | None:
    if now.fresh >= NEAR * rules.at:
        return Wait(
            Hindrance.FRESH,
            f"recycling: a fresh worker starts at {size(now.fresh)}, and {size(rules.at)}"
            " is the limit → raise BUGSLY_RECYCLE_AT",
        )
    if now.changed:
        return Wait(
            Hindrance.CHANGED,
            f"recycling: {now.changed[-100:]} was changed after it was loaded, so a replacement"
            " might not start → reload Gunicorn",
        )
    if now.ready < now.wanted and now.overdue is not None:
        return Wait(
            Hindrance.REPLACEMENT,
            f"recycling: the worker that left {now.overdue:.0f} s ago has no replacement that"
            " is ready → see Gunicorn's log",
        )
    if now.recycled >= rules.per_hour:
        return Wait(
            Hindrance.BUDGET,
            f"recycling: {now.recycled} workers of this host went within an hour, and no more may"
            " → mend the leak, or raise BUGSLY_RECYCLES_PER_HOUR",
        )
    return None


def _passing(now: Situation, rules: Rules) -> Wait | None:
    if now.age < rules.least_age:
        return Wait(
            Hindrance.YOUNG,
            f"recycling: it is {now.age:.0f} s old → it waits until it is {rules.least_age:g} s",
        )
    if now.ready < now.wanted:
        return Wait(
            Hindrance.SIBLINGS,
            f"recycling: {now.ready} of {now.wanted} workers are ready → it waits for the others",
        )
    return another_leaves() if now.elsewhere else None


def size(amount: float) -> str:
    """Return bytes in words, as `412 MB`."""
    return f"{amount / 1e6:,.0f} MB" if amount >= 1e7 else f"{amount / 1e6:.1f} MB"
