"""Decides whether a worker is recycled now, and why, from what is known of it and its siblings.

No more than one worker is missing at a time, and no worker leaves whose replacement would start
as large.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bugsly.protocol.safety_net import Hindrance

if TYPE_CHECKING:
    from bugsly.recycle.forecast import ExhaustionForecast

MAX_FRESH_FRACTION = 0.8
"""Of the limit: a fresh worker that starts above it would soon be recycled again."""
REPLACEMENT_SECONDS = 60.0
"""Seconds a replacement may take to become ready before it counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecycleRules:
    """What the user allows: a limit in bytes, a minimal age, departures per hour on this host."""

    limit_bytes: int
    min_age_seconds: float
    max_per_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecycleConditions:
    """What is known now; times are seconds, memory is bytes."""

    initial_memory: int
    """Private memory of this worker when it became ready."""
    age_seconds: float
    """Since it became ready."""
    ready: int
    """Workers of its master that are ready, itself included."""
    expected: int
    """Workers its master keeps."""
    recycled: int = 0
    """Workers of the host that were recycled in the last hour."""
    replacement_overdue: float | None = None
    """Since the last worker of its master left, where the replacement is overdue."""
    is_other_master_replacing: bool = False
    """Whether a worker of another master left, and its replacement may still become ready."""
    changed_file: str = ""
    """A file of the application that changed since this worker loaded it."""


@dataclass(frozen=True, slots=True)
class HindranceReport:
    """Why a worker is not recycled."""

    kind: Hindrance
    reason: str


def find_recycle_reason(
    memory: int, forecast: ExhaustionForecast | None, exit_seconds: float, rules: RecycleRules
) -> str:
    """Return why a worker with *memory* should be recycled, '' where it may stay.

    *exit_seconds* is how long leaving and starting a replacement may take.
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
    """Return what prevents recycling; what lasts comes before what passes by itself."""
    return _permanent_hindrance(conditions, rules) or _temporary_hindrance(conditions, rules)


def unsupported_worker(reason: str) -> HindranceReport:
    """Return the hindrance of a worker that cannot leave without failing a request."""
    return HindranceReport(Hindrance.UNSUPPORTED, f"recycling: {reason}")


def another_worker_leaving() -> HindranceReport:
    """Return the hindrance of a worker while another one of its host leaves."""
    return HindranceReport(
        Hindrance.TURN,
        "recycling: another worker of this host is leaving or being replaced → it waits its turn",
    )


def stuck_worker(seconds: float) -> HindranceReport:
    """Return the hindrance of a worker that was told to end *seconds* ago, and did not."""
    return HindranceReport(
        Hindrance.REPLACEMENT,
        f"recycling: it was told to leave {seconds:.0f} s ago and is still here, so no sibling"
        " can leave → see which request does not end, and whether its worker class stops",
    )


def _permanent_hindrance(
    conditions: RecycleConditions, rules: RecycleRules
) -> HindranceReport | None:
    if conditions.initial_memory >= MAX_FRESH_FRACTION * rules.limit_bytes:
        return HindranceReport(
            Hindrance.FRESH,
            f"recycling: a fresh worker starts at {format_size(conditions.initial_memory)},"
            f" and {format_size(rules.limit_bytes)} is the limit → raise BUGSLY_RECYCLE_AT",
        )
    if conditions.changed_file:
        return HindranceReport(
            Hindrance.CHANGED,
            f"recycling: {conditions.changed_file[-100:]} was changed after it was loaded,"
            " so a replacement might not start → reload Gunicorn",
        )
    if conditions.ready < conditions.expected and conditions.replacement_overdue is not None:
        return HindranceReport(
            Hindrance.REPLACEMENT,
            f"recycling: the worker that left {conditions.replacement_overdue:.0f} s ago has no"
            " replacement that is ready → see Gunicorn's log",
        )
    if conditions.recycled >= rules.max_per_hour:
        return HindranceReport(
            Hindrance.BUDGET,
            f"recycling: {conditions.recycled} workers of this host left within an hour,"
            " and no more may → fix the leak, or raise BUGSLY_RECYCLES_PER_HOUR",
        )
    return None


def _temporary_hindrance(
    conditions: RecycleConditions, rules: RecycleRules
) -> HindranceReport | None:
    if conditions.age_seconds < rules.min_age_seconds:
        return HindranceReport(
            Hindrance.YOUNG,
            f"recycling: it is {conditions.age_seconds:.0f} s old"
            f" → it waits until it is {rules.min_age_seconds:g} s",
        )
    if conditions.ready < conditions.expected:
        return HindranceReport(
            Hindrance.SIBLINGS,
            f"recycling: {conditions.ready} of {conditions.expected} workers are ready"
            " → it waits for the others",
        )
    return another_worker_leaving() if conditions.is_other_master_replacing else None


def format_size(amount: float) -> str:
    """Return bytes as text: `412 MB`."""
    return f"{amount / 1e6:,.0f} MB" if amount >= 1e7 else f"{amount / 1e6:.1f} MB"
