"""How often workers have to be replaced for a leak not to fill the memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bugsly_server.model.units import MAX_WITH_DECIMAL, count, size

MEMORY_LIMIT_STEP_BYTES = 10_000_000
"""Bytes to which the limit of one worker is rounded down."""


class SettingVerdict(StrEnum):
    """What is to be said of the max_requests that is set."""

    UNSET = "not set"
    LOW = "too low"
    RIGHT = "about right"
    HIGH = "too high"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxRequestsProposal:
    """What keeps the workers of one machine below its limit until a leak is fixed. Bytes."""

    workers: int
    limit: int
    """Of the machine, or of its container."""
    room: int
    """What each worker may hold so that all of them stay below the limit with a tenth to spare."""
    start: int
    """What a fresh worker holds."""
    most: int
    """Requests after which one has reached its room at the soonest."""
    requests: int
    """What to tell Gunicorn; 0 where workers start too near their room for that to be of use."""
    jitter: int
    restarts: float
    """How many workers that replaces in a day, at the present rate."""
    set_to: int
    """The max_requests that the workers have; 0 where there is none, or it is not known."""
    present: SettingVerdict
    set_restarts: float
    """How many workers a day that replaces."""

    @property
    def lines(self) -> str:
        """Return what to write into gunicorn.conf.py."""
        return f"max_requests = {self.requests}\nmax_requests_jitter = {self.jitter}"

    @property
    def recycle_at(self) -> str:
        """Return what to set in the environment for workers to be recycled by their memory.

        Empty where they start too near their room.
        """
        megabytes = self.room // MEMORY_LIMIT_STEP_BYTES * MEMORY_LIMIT_STEP_BYTES // 1_000_000
        return f"BUGSLY_RECYCLE_AT={megabytes}MB" if self.requests and megabytes else ""

    @property
    def because(self) -> str:
        """Return where the numbers come from."""
        many = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        room = f"{many} below {size(self.limit)} may hold {size(self.room)} each"
        start = f"a fresh one holds {size(self.start)}"
        if not self.requests:
            return f"{room}, and {start}: fewer workers or more memory are needed"
        return f"{room}; {start}, and reaches that after {count(self.most)} requests at the soonest"

    @property
    def cost(self) -> str:
        """Return what it costs."""
        if not self.restarts:
            return "what it costs is not known: there is no traffic just now"
        return f"it restarts {_workers_a_day(self.restarts)} at the present rate"

    @property
    def per_million(self) -> float:
        """Return how many workers a million requests replace; Gunicorn's jitter is half of it."""
        return 1_000_000 / (self.requests + self.jitter / 2) if self.requests else 0.0

    @property
    def verdict(self) -> str:
        """Return what is wrong, or right, with what is set; empty where nothing is."""
        now = f"max_requests = {count(self.set_to)}"
        often = f"it restarts {_workers_a_day(self.set_restarts)}" if self.set_restarts else ""
        return {
            SettingVerdict.UNSET: "",
            SettingVerdict.LOW: "; ".join(
                filter(None, (f"{now} is lower than it has to be", often))
            ),
            SettingVerdict.RIGHT: f"{now} is about right",
            SettingVerdict.HIGH: f"{now} is too high: a worker reaches {size(self.room)} before",
        }[self.present]


def _workers_a_day(restarts: float) -> str:
    number = count(restarts) if restarts >= MAX_WITH_DECIMAL else f"{restarts:.2g}"
    return f"{number} {'worker' if number == '1' else 'workers'} a day"
