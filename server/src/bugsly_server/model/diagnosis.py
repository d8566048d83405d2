"""A diagnosis: why memory grows, and what that conclusion rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bugsly_server.model.heap_path import HeapPath

SYMPTOM_KINDS = frozenset({"descriptor", "survivor", "callback", "subclass"})
"""Kinds of holders that are counted, but kept by something else."""


def is_symptom_kind(kind: str) -> bool:
    """Return whether a holder of *kind* keeps nothing itself, as a weak container."""
    return kind in SYMPTOM_KINDS or is_weak_kind(kind)


def is_weak_kind(kind: str) -> bool:
    """Return whether a holder of *kind* is a container of weak references."""
    return kind.startswith("Weak")


class Cause(StrEnum):
    """The closed list."""

    GROWING_CONTAINER = "growing-container"
    UNBOUNDED_CACHE = "unbounded-cache"
    UNRETURNED_CONNECTION = "unreturned-connection"
    BUFFERED_RESPONSE = "buffered-response"
    KEPT_EXCEPTION = "kept-exception"
    """An exception, a request or a context that outlives its request."""
    THREADS = "threads"
    MADE_PER_REQUEST = "made-per-request"
    """Clients, engines, executors, classes: what should be made once."""
    HANDLERS_PER_REQUEST = "handlers-per-request"
    """Logging handlers, signal receivers, hooks."""
    METRIC_LABELS = "metric-labels"
    CYCLES = "cycles"
    """Reference cycles, with the collector off or frozen."""
    RETENTION = "retention"
    """Freed, and kept by the allocator: no leak."""
    NATIVE = "native"
    OUTSIDE_WORKERS = "outside-workers"
    BOUNDED = "bounded"
    """Grows up to a bound: no leak."""
    UNKNOWN = "unknown"


ENDLESS_CAUSES = frozenset({Cause.GROWING_CONTAINER, Cause.UNBOUNDED_CACHE})
"""Causes that never stop by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointShare:
    """What a request of one endpoint contributes to a growth, with its 95 % interval."""

    endpoint: str
    slope: float
    low: float
    high: float
    part: float
    """Of the whole, 0 to 1."""
    together: tuple[str, ...] = ()
    """Endpoints that are always requested along with it, so that it may be any of them."""
    failing: bool = False
    """Whether only its failing requests contribute."""
    working: bool = False
    """Whether only its successful requests contribute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosedHolder:
    """What keeps the memory: a container, a cache, threads, descriptors."""

    name: str
    kind: str | None
    """As `bugsly.protocol.evidence.Holder.kind`; None where a walk of the heap found it."""
    library: str | None
    """The distribution at fault, with its version; None for the application's own code."""
    entries: int
    """In the worker that holds the most, at the latest count."""
    entries_per_request: float
    bound_bytes: int | None
    """The size at which it stops growing; None where it does not stop."""
    symptom: str | None
    """The name of a symptom of it: a holder that grows because of what this one keeps."""
    removes_entries: bool
    """Whether the source removes entries from it, although none were seen to leave."""
    has_unique_keys: bool
    """Whether it keeps each key once, so that it may only not have met all of them."""

    @property
    def is_symptom(self) -> bool:
        """Return whether it only shows what something else keeps."""
        return self.kind is not None and is_symptom_kind(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosedGrowth:
    """How much memory a cause takes."""

    bytes_per_request: float
    """For each request of the endpoint that drives it, or for any request where none does."""
    part: float
    """The part of the worker's growth that it accounts for, 0 to 1."""
    bytes: int
    """Held or gained by now, in the worker with the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLocation:
    """The line that feeds a holder or makes what it keeps."""

    site: str | None
    """As the agent writes lines, `shop/views.py:12`."""
    file: str | None
    """The source file, as the worker names it; set without a site until the source is read."""
    unread_module: str | None = None
    """A module whose source may say more, and was not requested yet."""


UNKNOWN_LOCATION = SourceLocation(site=None, file=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointAttribution:
    """Which endpoints drive a growth."""

    endpoint: str | None
    """The one that does; None where none does, or where they cannot be told apart."""
    shares: tuple[EndpointShare, ...] = ()
    """What each endpoint contributes, the largest first."""


NO_ENDPOINT = EndpointAttribution(endpoint=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisEvidence:
    """What a diagnosis rests on."""

    confidence: float
    """0 to 1."""
    reasons: tuple[str, ...]
    """The facts for it, most telling first."""
    falsifiers: tuple[str, ...]
    """What would prove it wrong."""
    worker_ids: tuple[int, ...]
    """The workers that show it."""
    heap_path: HeapPath | None = None
    """The path to the holder, where a heap was walked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One cause of one growth. Sizes are bytes."""

    cause: Cause
    is_leak: bool
    """False for what stops by itself, and for what is only wasteful."""
    growth: DiagnosedGrowth
    evidence: DiagnosisEvidence
    holder: DiagnosedHolder | None = None
    """None where nothing was found to keep the memory."""
    location: SourceLocation = UNKNOWN_LOCATION
    attribution: EndpointAttribution = NO_ENDPOINT
    known_leak: str | None = None
    """The slug of the known library leak that it is (`model/known_leaks.toml`)."""

    @property
    def holder_name(self) -> str | None:
        """Return the name of what keeps the memory, None where that was not found."""
        return None if self.holder is None else self.holder.name

    @property
    def library(self) -> str | None:
        """Return the distribution at fault, None for the application's own code."""
        return None if self.holder is None else self.holder.library

    @property
    def bound_bytes(self) -> int | None:
        """Return the size at which it stops by itself, None where it does not."""
        return None if self.holder is None else self.holder.bound_bytes

    @property
    def is_slight(self) -> bool:
        """Return whether it never stops, but grows too slowly to be reported as a leak."""
        is_endless = self.bound_bytes is None and self.growth.bytes_per_request > 0
        return is_endless and not self.is_leak and self.cause in ENDLESS_CAUSES

    @property
    def is_symptom(self) -> bool:
        """Return whether its holder only shows what something else keeps."""
        return self.holder is not None and self.holder.is_symptom
