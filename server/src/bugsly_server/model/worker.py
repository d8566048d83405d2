"""A worker: one process, one life."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from bugsly.protocol.memory import EndpointInFlight, ExitReason
from bugsly.protocol.safety_net import RecyclerReport, RecyclerState
from bugsly_server.clock import MINUTE, SECOND, Micros, has_passed
from bugsly_server.model.growth import GrowthJudgement, GrowthTrend
from bugsly_server.model.units import count, duration

SILENT_AFTER: Micros = 2 * MINUTE
MISSED_SAMPLES = 3
"""A worker is silent after both: two minutes, and three samples that did not come."""
MAX_NAMED_ENDPOINTS = 3
"""Endpoints in flight that are named, those first that took longest."""


def hash_secret(secret: object) -> str | None:
    """Return what is stored of a worker's secret; None where *secret* is none.

    It has 128 random bits, so it needs no slow hash.
    """
    if not isinstance(secret, str) or not secret:
        return None
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """The latest that is known of one worker. Sizes are bytes."""

    id: int
    project_id: int
    host: str
    machine: str
    pid: int
    parent: int
    number: int
    generation: int
    server: str
    release: str
    environment: str
    python: str
    every: Micros
    """Between two samples."""
    started_at: Micros
    seen_at: Micros
    samples: int
    """Number of the last sample that was kept."""
    anonymous: int
    shared: int
    proportional: int
    peak: int
    requests: int
    in_flight: int
    descriptors: int
    threads: int
    used: int
    limit: int
    oom_kills: int
    rate: float
    """Requests per second, lately."""
    ended_at: Micros | None
    exit_reason: ExitReason | None
    exit_signal: int
    exit_code: int
    judgement: GrowthJudgement
    hits: int
    """How many judgements in a row said that it grows."""
    judged_requests: int
    judged_at: Micros
    lost: dict[str, int] = field(default_factory=dict)
    facts: dict[str, int] = field(default_factory=dict)
    """Switches of the process, as `gc_enabled`."""
    net: RecyclerReport | None = None
    """What it last said of its safety net; None where that is off."""
    exit_because: str = ""
    """Of a recycled one: why, in words."""
    under_way: tuple[EndpointInFlight, ...] = ()
    """What was in flight at its last sample, the longest first."""
    secret_hash: str | None = field(default=None, repr=False)
    """SHA-256 of the secret that its reports prove themselves with; None where it has none."""

    @property
    def busy_with(self) -> str:
        """Return what was in flight at its last sample, as `GET /report for 28 s and 2 more`."""
        named = self.under_way[:MAX_NAMED_ENDPOINTS]
        words = [
            f"{f'{count(one.requests)} × ' if one.requests > 1 else ''}{one.endpoint}"
            f" for {duration(one.micros / SECOND) if one.micros >= SECOND else 'less than 1 s'}"
            for one in named
        ]
        more = self.in_flight - sum(one.requests for one in named)
        return ", ".join(words) + (f" and {count(more)} more" if named and more > 0 else "")

    @property
    def growth(self) -> GrowthTrend | None:
        """Return the trend of the latest judgement, if enough was seen for one."""
        return self.judgement.growth

    @property
    def name(self) -> str:
        """Return what people call it."""
        return f"{self.host} pid {self.pid}"

    def is_alive(self, now: Micros) -> bool:
        """Return whether it was heard of lately and has not said goodbye."""
        return self.ended_at is None and not self.is_silent(now)

    @property
    def fell_silent(self) -> bool:
        """Return whether its end was concluded from silence, so that it may prove us wrong."""
        has_reported_exit = self.exit_signal or self.exit_code or self.exit_because
        inferred = {ExitReason.VANISHED, ExitReason.OUT_OF_MEMORY, ExitReason.RECYCLED}
        return not has_reported_exit and self.exit_reason in inferred

    @property
    def is_being_recycled(self) -> bool:
        """Return whether its safety net was about to end it when it was last heard of."""
        return self.net is not None and self.net.state is RecyclerState.LEAVING

    def is_proven_by(self, secret_hash: str | None) -> bool:
        """Return whether who sent the secret with that hash, or none, speaks for the worker."""
        return self.secret_hash in {None, secret_hash}

    @property
    def has_agent(self) -> bool:
        """Return whether an agent reports it, and can run probes; a gauge of an SDK cannot."""
        return bool(self.machine)

    @property
    def silent_after(self) -> Micros:
        """Return after how long without a sample it is called silent."""
        return max(SILENT_AFTER, MISSED_SAMPLES * self.every)

    def is_silent(self, now: Micros) -> bool:
        """Return whether samples are missing."""
        return has_passed(self.silent_after, self.seen_at, now)

    def age(self, now: Micros) -> Micros:
        """Return how long it lived, or lives."""
        return (self.ended_at or now) - self.started_at
