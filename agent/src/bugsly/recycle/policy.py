"""Whether a worker is recycled now: takes what is known, returns a decision and its reason.

It never asks for more than one worker to be missing, and never for a worker that would come back
as large as it left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bugsly.protocol.safety_net import Hindrance

if TYPE_CHECKING:
    from bugsly.recycle.forecast import ExhaustionForecast

MAX_FRESH_FRACTION = 0.8
"""Of the limit: a fresh worker that starts there would soon be back."""
REPLACEMENT_SECONDS = 60.0
"""Seconds a replacement may take to come up before something is said to be wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecycleRules:
    """What the user allows: the limit in bytes, seconds of life, departures per hour and host."""

    limit_bytes: int
    min_age_seconds: float
    max_per_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecycleConditions:
    """What holds now; times are seconds, memory bytes."""

    initial_memory: int
    """What this worker had when it was ready."""
    age_seconds: float
    """Since it was ready."""
    ready: int
    """Workers of its master that are ready, itself among them."""
    expected: int
    """Workers its master keeps."""
    recycled: int = 0
    """Workers of the host that were recycled in the last hour."""
    replacement_overdue: float | None = None
    """Since the last of its own master's went, where its replacement should long be ready."""
    is_other_master_replacing: bool = False
    """Whether a worker of another master went, and its replacement may yet become ready."""
    changed_file: str = ""
    """A file of the application that is not what this worker loaded."""


@dataclass(frozen=True, slots=True)
class HindranceReport:
    """It is not recycled, for this reason."""

    kind: Hindrance
    reason: str


def find_recycle_reason(
    memory: int, forecast: ExhaustionForecast | None, exit_seconds: float, rules: RecycleRules
) -> str:
    """Return why a worker with *memory* should go, '' where it may stay.

    *exit_seconds* is how many seconds leaving and starting anew may take.
    """
    if not rules.limit_bytes:
        return ""
    if memory >= rules.limit_bytes:
        return f"its private memory, {format_size(memory)}, passed {format_size(rules.limit_bytes)}"
    if forecast is not None and forecast.seconds_left < exit_seconds:
        return (
            f"at {format_size(memory)}, it grows by {format_size(forecast.growth_per_second)}/s,"
            f" and memory may run out in {forecast.seconds_left:.0f} s"
        )
    return ""


def find_hindrance(conditions: RecycleConditions, rules: RecycleRules) -> HindranceReport | None:
    """Return what keeps it from going; what lasts is named before what passes by itself."""
    return _permanent_hindrance(conditions, rules) or _temporary_hindrance(conditions, rules)


def unsupported_worker(reason: str) -> HindranceReport:
    """Return the word of a worker that cannot leave without failing a request."""
    return HindranceReport(Hindrance.UNSUPPORTED, f"recycling: {reason}")


def another_worker_leaving() -> HindranceReport:
    """Return the word of a worker that finds another one of its host leaving."""
    return HindranceReport(
        Hindrance.TURN,
        "recycling: another worker of this host is leaving or being replaced → it waits its turn",
    )


def stuck_worker(seconds: float) -> HindranceReport:
    """Return the word of a worker that was told to end *seconds* ago, and did not."""
    return HindranceReport(
        Hindrance.REPLACEMENT,
        f"recycling: it was told to leave {seconds:.0f} s ago and is still here, so no sibling of"
        " it can go → see which request does not end, and whether its worker class stops",
    )


def _permanent_hindrance(
    conditions: RecycleConditions, rules: RecycleRules
) -> HindranceReport | None:
    if conditions.initial_memory >= MAX_FRESH_FRACTION * rules.limit_bytes:
        return HindranceReport(
            Hindrance.FRESH,
            f"recycling: a fresh worker starts at {format_size(conditions.initial_memory)}, and {format_size(rules.limit_bytes)}"
            " is the limit → raise BUGSLY_RECYCLE_AT",
        )
    if conditions.changed_file:
        return HindranceReport(
            Hindrance.CHANGED,
            f"recycling: {conditions.changed_file[-100:]} was changed after it was loaded, so a replacement"
            " might not start → reload Gunicorn",
        )
    if conditions.ready < conditions.expected and conditions.replacement_overdue is not None:
        return HindranceReport(
            Hindrance.REPLACEMENT,
            f"recycling: the worker that left {conditions.replacement_overdue:.0f} s ago has no replacement that"
            " is ready → see Gunicorn's log",
        )
    if conditions.recycled >= rules.max_per_hour:
        return HindranceReport(
            Hindrance.BUDGET,
            f"recycling: {conditions.recycled} workers of this host went within an hour, and no more may"
            " → mend the leak, or raise BUGSLY_RECYCLES_PER_HOUR",
        )
    return None


def _temporary_hindrance(
    conditions: RecycleConditions, rules: RecycleRules
) -> HindranceReport | None:
    if conditions.age_seconds < rules.min_age_seconds:
        return HindranceReport(
            Hindrance.YOUNG,
            f"recycling: it is {conditions.age_seconds:.0f} s old → it waits until it is {rules.min_age_seconds:g} s",
        )
    if conditions.ready < conditions.expected:
        return HindranceReport(
            Hindrance.SIBLINGS,
            f"recycling: {conditions.ready} of {conditions.expected} workers are ready → it waits for the others",
        )
    return another_worker_leaving() if conditions.is_other_master_replacing else None


def format_size(amount: float) -> str:
    """Return bytes in words, as `412 MB`."""
    return f"{amount / 1e6:,.0f} MB" if amount >= 1e7 else f"{amount / 1e6:.1f} MB"
