"""The state of a worker's recycler: `net` in the `memory` item."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class RecyclerState(str, Enum):
    """Where a worker is between its start and its recycling."""

    WATCHING = "watching"
    """It is below its limit."""
    WAITING = "waiting"
    """It should be recycled, but something prevents that."""
    LEAVING = "leaving"
    """It accepts no more connections, and ends once its requests have ended."""


class Hindrance(str, Enum):
    """Why a worker that should be recycled is not, or not yet."""

    UNSUPPORTED = "unsupported"
    """What serves the app has no way to leave without failing a request."""
    FRESH = "fresh"
    """A fresh worker starts so near the limit that recycling would never stop."""
    YOUNG = "young"
    """It is younger than a recycled worker has to be."""
    CHANGED = "changed"
    """The code on disk is not the code it runs: its replacement might not start."""
    REPLACEMENT = "replacement"
    """The replacement of the last recycled worker is not ready."""
    BUDGET = "budget"
    """As many workers as may leave within an hour have left."""
    SIBLINGS = "siblings"
    """A sibling is not ready, so two would be missing."""
    TURN = "turn"
    """Another worker of this host is leaving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecyclerReport:
    """The recycler of one worker at the moment of the report; not sent where it is off."""

    at: int
    """Bytes of private memory at which the worker is recycled."""
    state: RecyclerState
    because: str = ""
    """The reason in words, empty while WATCHING."""
    hindrance: Hindrance | None = None
    """Given while WAITING, and only then."""
    recycled: int = 0
    """Workers of this host that were recycled in the last hour, as far as the ledger knows."""
    recycled_today: int = 0
    """Of this project and environment in the last 24 hours, known to the server or not."""
