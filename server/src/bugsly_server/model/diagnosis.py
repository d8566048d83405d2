"""A diagnosis: why memory grows, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bugsly_server.model.heap_path import HeapPath

SYMPTOM_KINDS = frozenset({"descriptor", "survivor", "callback", "subclass"})
"""Kinds of holders that are counted where they show, and kept by something else."""


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
    """What one endpoint contributes to a growth, with its 95 % interval, per request of it."""

    endpoint: str
    slope: float
    low: float
    high: float
    part: float
    """Of the whole, 0 to 1."""
    together: tuple[str, ...] = ()
    """Endpoints that always come along, so that nobody can tell which one it is."""
    failing: bool = False
    """Whether it is its failing requests alone."""
    working: bool = False
    """Whether it is the others alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One cause of one growth. Sizes are bytes."""

    cause: Cause
    is_leak: bool
    """False for what stops by itself, and for what is only wasteful."""
    holder: str
    """What keeps the memory, empty where nothing was found to keep it."""
    site: str
    """The line that feeds or makes it, as `shop/views.py:12`; empty where it is not known."""
    file: str
    """Source of the site, as the worker names it."""
    endpoint: str
    """The one that drives it, empty where none does or they cannot be told apart."""
    shares: tuple[EndpointShare, ...]
    bytes_per_request: float
    """Of the endpoint, where there is one, else of any request."""
    entries_per_request: float
    part: float
    """Of the worker's growth that it accounts for, 0 to 1."""
    bytes: int
    """What it holds by now, in the worker that holds the most."""
    bound_bytes: int | None
    """Where it stops by itself; None where it does not."""
    confidence: float
    """0 to 1."""
    because: tuple[str, ...]
    """The facts it rests on, most telling first."""
    unless: tuple[str, ...]
    """What would prove it wrong."""
    workers: tuple[int, ...]
    """Ids of the workers that show it."""
    library: str = ""
    """The distribution at fault, with its version, where it is not the application's own code."""
    known: str = ""
    """Slug of the known library leak that it is."""
    entries: int = 0
    """What its holder holds by now, in the worker that holds the most."""
    trace: HeapPath | None = None
    """The way to it, where a heap was walked."""
    kind: str = ""
    """Of its holder, as `bugsly.protocol.evidence.Holder` has it."""
    symptom: str = ""
    """The holder that shows what this one keeps, as requests alive, where there is one."""
    leaves: bool = False
    """Whether the source takes entries out of its holder, though none were seen to be."""
    keyed: bool = False
    """Whether its holder keeps nothing twice, and may only not have met all keys."""
    unread: str = ""
    """A module whose source may tell more, and was not asked for yet."""

    @property
    def is_slight(self) -> bool:
        """Return whether it goes on for ever, but so slowly that it is no leak to be told of."""
        is_endless = self.bound_bytes is None and self.bytes_per_request > 0
        return is_endless and not self.is_leak and self.cause in ENDLESS_CAUSES

    @property
    def is_symptom(self) -> bool:
        """Return whether its holder only shows what something else keeps."""
        return is_symptom_kind(self.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A diagnosis in words, for the page, the alert and the terminal."""

    title: str
    """One line."""
    what: str
    """What happens, and why it grows."""
    cost: str
    """Per request, per day, and when it ends."""
    fix: str
    """What to change."""
    diff: str = ""
    """The change as a unified diff, where the source allows one."""
    culprit: tuple[tuple[int, str], ...] = ()
    """The lines around the site, numbered."""
    link: str = ""
