"""How often the safety net recycled workers; reported, so that recycling hides no leak."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from bugsly.protocol.safety_net import Hindrance, RecyclerReport
from bugsly_server.clock import SECOND, Micros
from bugsly_server.model.worker import Worker

LASTING_HINDRANCES = frozenset(
    {
        Hindrance.UNSUPPORTED,
        Hindrance.FRESH,
        Hindrance.CHANGED,
        Hindrance.REPLACEMENT,
        Hindrance.BUDGET,
    }
)
"""What hinders the safety net until somebody acts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecyclingSummary:
    """The workers that were recycled in the last 24 hours, and what that prevented."""

    at: Micros
    """When they were counted."""
    times: int
    full_at: Micros | None
    """When memory would have run out without it; None where that is not known."""
    what: str = ""
    """What they were recycled for: a holder or a line, empty where it is not known."""

    @property
    def because(self) -> str:
        """Return the count in words, as alerts and terminals show it."""
        return "; ".join(filter(None, (self.often, self._without_recycling)))

    @property
    def often(self) -> str:
        """Return how often, and for what."""
        times = "once" if self.times == 1 else f"{self.times:,} times"
        return f"recycled {times} in 24 hours" + (f" for `{self.what}`" if self.what else "")

    @property
    def is_full(self) -> bool:
        """Return whether the moment has passed at which memory would have run out."""
        return self.full_at is not None and self.full_at <= self.at

    @property
    def would(self) -> str:
        """Return the verb that goes with the moment: it has passed, or it is to come."""
        return "would have run out" if self.is_full else "would run out"

    @property
    def _without_recycling(self) -> str:
        if self.full_at is None:
            return ""
        moment = datetime.fromtimestamp(self.full_at / SECOND, UTC)
        return f"without it memory {self.would} at {moment:%Y-%m-%d %H:%M} UTC"


def lasting_hindrances(workers: Iterable[Worker]) -> list[RecyclerReport]:
    """Return what the safety nets of *workers* say that somebody has to act on, each once."""
    nets = [
        one.net
        for one in workers
        if one.net is not None and one.net.hindrance in LASTING_HINDRANCES
    ]
    return list({net.because: net for net in nets}.values())
