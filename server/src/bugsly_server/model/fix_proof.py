"""Whether a release fixed a leak: how fast workers grew before it and after it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bugsly_server.clock import Micros
from bugsly_server.model.units import size
from bugsly_server.model.worker import Worker


class FixOutcome(StrEnum):
    """The three answers."""

    FIXED = "fixed"
    GROWING = "still growing"
    OPEN = "not known yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseWorkers:
    """The latest workers of one release, living and ended."""

    release: str
    workers: tuple[Worker, ...]
    driving_part: float
    """The part of their requests that can drive the leak: those of its endpoint, where one does."""
    is_running: bool
    """Whether one of them is alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthRate:
    """How fast the workers of a release grow: bytes per request, with its 95 % interval."""

    release: str
    since: Micros
    """When the first of them started."""
    workers: int
    """How many of them were measured."""
    requests: int
    slope: float
    low: float
    high: float

    @property
    def interval(self) -> str:
        """Return the interval in words: both ends, or ± where there may be no growth."""
        if self.low <= 0 <= self.high:
            return f"±{size((self.high - self.low) / 2)}"
        return f"{size(self.low)} to {size(self.high)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FixProof:
    """A comparison of two releases, and what follows from it."""

    outcome: FixOutcome
    because: str
    before: GrowthRate
    after: GrowthRate
    per: str
    """The unit of both rates: `request`, or `GET /report request`."""
