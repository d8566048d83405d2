"""What the recycler needs from the agent: its settings, its traffic, a way to report at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bugsly.guard import Guards
    from bugsly.probes.traffic import TrafficProbe
    from bugsly.recycle.memory_threshold import MemoryThreshold


@dataclass(frozen=True, slots=True, kw_only=True)
class RecyclingSettings:
    """When the user wants workers recycled."""

    threshold: MemoryThreshold
    min_age_seconds: float
    max_per_hour: int
    group: str
    """Names the workers whose recycles of a day are counted together."""


class RecyclingAgent(Protocol):
    """The agent of the worker that may be recycled."""

    guards: Guards
    traffic: TrafficProbe
    recycle_reason: str
    """Why this worker is being recycled; while it is empty, responses keep connections open."""

    def flush_before_exit(self) -> None:
        """Send what is known of this worker to the server, while the worker still serves."""
