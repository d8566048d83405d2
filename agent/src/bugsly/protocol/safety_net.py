"""What a worker under the safety net says of it; rides in the `memory` item as `net`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class RecyclerState(str, Enum):
    """How a worker stands to its limit."""

    WATCHING = "watching"
    """It is below it."""
    WAITING = "waiting"
    """It would be recycled, but something hinders that."""
    LEAVING = "leaving"
    """It takes no more connections, and goes when those it has are done."""


class Hindrance(str, Enum):
    """Why a worker that should be recycled is not, or not yet."""

    UNSUPPORTED = "unsupported"
    """What serves the app has no way to leave without failing a request."""
    FRESH = "fresh"
    """A fresh worker starts so near the limit that recycling would not end."""
    YOUNG = "young"
    """It has not lived as long as a worker has to."""
    CHANGED = "changed"
    """The code on disk is not the code it runs: its replacement might not start."""
    REPLACEMENT = "replacement"
    """The worker that should replace the last one has not come up."""
    BUDGET = "budget"
    """As many as may go in an hour went."""
    SIBLINGS = "siblings"
    """A sibling is not ready, so two would be missing."""
    TURN = "turn"
    """Another worker of this host is leaving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecyclerReport:
    """The safety net of one worker at the moment of the report; not sent where it is off."""

    at: int
    """Bytes of private memory from which the worker is recycled."""
    state: RecyclerState
    because: str = ""
    """The reason in words, empty while it is watching."""
    hindrance: Hindrance | None = None
    """Told while it is waiting, and only then."""
    recycled: int = 0
    """Workers of this host that were recycled in the last hour, as far as their ledger goes."""
    recycled_today: int = 0
    """Those of this project and environment in the last 24 hours, heard of by the server or not."""
