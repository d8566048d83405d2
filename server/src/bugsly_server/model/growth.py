"""What is said of a worker's memory, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class GrowthVerdict(StrEnum):
    """The answers there are; RSS alone never yields the word leak."""

    EARLY = "early"
    """Too little was seen."""
    STEADY = "steady"
    LEVELLED = "levelled"
    """It grew, and then it stopped: a cache that is full, a warm-up that is over."""
    GROWING = "growing"
    """It grows, and the cause is not yet known."""


class GrowthAxis(StrEnum):
    """What memory grows with."""

    REQUESTS = "request"
    TIME = "hour"
    """For a worker that grows while it serves next to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthTrend:
    """A slope, in bytes per request or per hour, with its 95 % interval."""

    axis: GrowthAxis
    slope: float
    low: float
    high: float
    z: float
    """Mann-Kendall's: how sure it is that there is a trend at all."""
    rises: float
    """The share of steps from block to block that went up."""
    last: float
    """The slope of its last half."""
    total: int
    """Bytes gained over the stretch that was judged."""
    span: float
    """Requests or hours of that stretch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthJudgement:
    """A verdict is never without its because."""

    verdict: GrowthVerdict
    because: str
    growth: GrowthTrend | None = None
