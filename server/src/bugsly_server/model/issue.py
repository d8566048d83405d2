"""An issue: a problem that a person should know about, from when it opens until it is resolved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from bugsly_server.clock import Micros
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.explanation import Explanation
from bugsly_server.model.fix_proof import FixProof
from bugsly_server.model.recycling import RecyclingSummary


class FindingScope(StrEnum):
    """Which workers a finding is about."""

    ONE = "one worker"
    SOME = "some workers"
    ALL = "all workers"
    RESTARTS = "every worker, across restarts"

    @property
    def width(self) -> int:
        """Return a number that is higher the more of the fleet it covers."""
        return {
            FindingScope.ONE: 0,
            FindingScope.SOME: 1,
            FindingScope.ALL: 2,
            FindingScope.RESTARTS: 2,
        }[self]


class IssueKind(StrEnum):
    """What an issue is about."""

    ERROR = "error"
    LEAK = "leak"
    NET = "net"
    """That the safety net cannot do its work."""
    OUTAGE = "outage"
    """That something stopped which should go on."""


class IssueState(StrEnum):
    """Where an issue stands."""

    OPEN = "open"
    QUIET = "quiet"
    IGNORED = "ignored"
    RESOLVED = "resolved"


class IssueChangeKind(StrEnum):
    """What happened to an issue; each is alerted once."""

    OPENED = "opened"
    WORSENED = "worsened"
    QUIETED = "quieted"
    CAME_BACK = "came back"
    NAMED = "cause found"
    """What was open before, as growth without a cause."""
    ESCALATED = "escalating"
    """An error comes far more often than it used to."""
    IGNORED = "ignored"
    FIXED = "fixed"
    """A later release is proved not to leak."""
    RESOLVED = "resolved"
    MERGED = "merged"
    SPLIT = "split"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryForecast:
    """When the memory limit is reached if nothing changes, in seconds from now."""

    expected: float
    soonest: float
    latest: float | None
    """None where the slow end of the interval never gets there."""
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectWorker:
    """One worker of a finding, as it was at that moment. Sizes are bytes, times seconds."""

    worker_id: int
    host: str
    pid: int
    age: float
    anonymous: int
    slope: float
    low: float
    high: float
    axis: str
    total: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What detection says about a project's workers now."""

    fingerprint: str
    title: str
    scope: FindingScope
    because: str
    suspects: tuple[SuspectWorker, ...]
    """Fastest growing first; empty where the growth shows only across restarts."""
    slope: float
    """Of the fastest suspect, or the pooled one."""
    axis: str
    peers: int
    """How many other workers it was compared with."""
    peer_slope: float
    """Median slope of those."""
    forecast: MemoryForecast | None
    release: str
    environment: str = ""
    diagnosis: Diagnosis | None = None
    """Why, where that is known."""
    explanation: Explanation | None = None
    since: Micros = 0
    """Where it rests on ended workers: the start of the oldest of them."""
    recycled: RecyclingSummary | None = None
    """How often the safety net had to step in; None where it did not."""

    @property
    def is_spared(self) -> bool:
        """Return whether it is known when memory would have run out without the safety net."""
        return self.recycled is not None and self.recycled.full_at is not None

    @property
    def verdict(self) -> str:
        """Return what it amounts to: without evidence nothing is called a leak."""
        if self.diagnosis is None or self.diagnosis.cause is Cause.UNKNOWN:
            return "growing, cause not yet known"
        return "leak" if self.diagnosis.is_leak else "wasteful"

    @property
    def is_alarming(self) -> bool:
        """Return whether it is worth an alert; what is only wasteful waits on the page."""
        return self.verdict != "wasteful"

    def no_milder_than(self, reported: Finding | None) -> Finding:
        """Return it with a scope no narrower, and memory running out no later, than *reported*.

        It keeps saying that workers are recycled.
        """
        if reported is None:
            return self
        forecasts = [one for one in (self.forecast, reported.forecast) if one is not None]
        return replace(
            self,
            scope=max(self.scope, reported.scope, key=lambda scope: scope.width),
            forecast=min(forecasts, key=lambda forecast: forecast.expected, default=None),
            recycled=self.recycled or reported.recycled,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueChange:
    """One step in the life of an issue, with the finding that it rests on."""

    kind: IssueChangeKind
    at: Micros
    because: str
    finding: Finding | None
    proof: FixProof | None = None
    """Of what is fixed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What is stored of an issue."""

    id: int
    project_id: int
    fingerprint: str
    title: str
    state: IssueState
    opened_at: Micros
    changed_at: Micros
    """When its state last changed, or an alert last went out."""
    seen_at: Micros
    """When a finding last spoke for it."""
    resolved_at: Micros | None
    """When a person resolved it; None where it is not resolved, or was quiet for long enough."""
    snoozed_until: Micros | None
    finding: Finding
    """The latest."""
    reported: Finding | None = None
    """The worst that was reported since it opened or came back; None where that is the latest."""
    proof: FixProof | None = None
    """That it was fixed; None where it was not, or came back."""

    def is_snoozed(self, now: Micros) -> bool:
        """Return whether its alerts are snoozed."""
        return self.snoozed_until is not None and now < self.snoozed_until
