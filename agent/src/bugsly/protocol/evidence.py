"""Evidence: facts that say why memory grows. They travel with the samples of a worker.

A *holder* is anything that keeps memory and can be counted: a container, the threads started at
one line, the connections checked out at one line. It is described once, in `Holder`, and counted
in every sample from then on, in `HolderCount`, at the same moment as the traffic that may drive it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderCount:
    """How much a holder holds at the moment of a sample."""

    holder: str
    """Its name."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """What is known of a holder that grows. A later description replaces an earlier one."""

    name: str
    """The path a person follows, as `shop.views.request_log` or `shop.models.Order.seen`."""
    kind: str
    """`list`, `dict`, `set`, `deque`, `lru_cache` and so on, or what else is counted: `thread`,
    `handler`, `receiver`, `metric`, `subclass`, `connection`, `survivor`, `descriptor`."""
    bound: int | None = None
    """The count at which it stops by itself; None where nothing stops it."""
    entry_bytes: int = 0
    """What one of its newest entries weighs, with what it alone seems to keep; an estimate."""
    entry: str = ""
    """What an entry is, as `dict` or `shop.models.Quote`."""
    removed: int = 0
    """How many entries were seen to leave."""
    site: str = ""
    """The line that made or fed it, as `shop/views.py:12`, where the probe itself knows."""
    endpoint: str = ""
    """The endpoint it is known to belong to, where the probe itself knows."""
    file: str = ""
    """Source of the module its path begins with."""
    library: str = ""
    """Distribution and version that the module belongs to, as `marshmallow 2.16.2`; empty for
    the application's own code."""
    details: dict[str, int] = field(default_factory=dict)
    """Counts that only this kind has, as `hits` and `misses` of a cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRequest:
    """A dear probe that the server asks one worker for, in its reply."""

    id: int
    probe: str
    """`source`, `window`, `trim` or `heap`."""
    files: tuple[str, ...] = ()
    """Of `source`: the files to read, or modules as `shop.views`, or endpoints as `GET /items`."""
    requests: int = 0
    """Of `window` and `heap`: how many requests it lasts; 0 for one look at what keeps most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSource:
    """The text of one module, as it is on disk now."""

    file: str
    module: str
    text: str = ""
    edited: bool = False
    """Whether it changed after the worker started."""
    problem: str = ""
    """Why there is no text."""
    views: dict[str, int] = field(default_factory=dict)
    """First lines of the views that were asked for, by endpoint; 0 where none was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationSite:
    """What is still allocated, at the end of a window, by one line of code."""

    site: str
    """`shop/views.py:12`, the application's line that is nearest to the allocation."""
    bytes: int
    count: int
    inner: str = ""
    """The line that allocated, where it lies in a library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationWindow:
    """What outlived its requests while allocations were traced in one worker."""

    method: str
    """`memray` or `tracemalloc`."""
    requests: int
    seconds: float
    grown: int
    """Bytes the worker's private memory gained meanwhile."""
    lines: tuple[AllocationSite, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimResult:
    """What one collection and one malloc_trim gave back."""

    before: int
    after: int
    """Private memory, bytes."""
    garbage: int = 0
    """Objects in cycles that the collection found; -1 where the heap is too large for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderPathStep:
    """One step of the way from a root to what grows."""

    name: str
    """As a person writes it: `shop.cache`, `.SEEN`, `['a']`, `[*]`, `<closure>.seen`."""
    type: str
    """Of the object that the step leads to, as `dict` or `shop.models.Quote`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapHolder:
    """An object that keeps more with every snapshot of the heap, and the way to it.

    The numbers stand for the snapshots, in order.
    """

    path: str
    """The way as one text, `shop.cache.SEEN`; equal in every process and release that has it."""
    hops: tuple[HolderPathStep, ...]
    counts: tuple[int, ...]
    """Objects it leads to directly."""
    retained: tuple[int, ...]
    """Bytes that only it keeps alive."""
    types: dict[str, int] = field(default_factory=dict)
    """How many of each type it leads to at the last snapshot, the most frequent types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreachableObjects:
    """Objects of one type that are alive though no root leads to them, at each snapshot."""

    type: str
    counts: tuple[int, ...]
    bytes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapGrowth:
    """What grew from snapshot to snapshot of one worker's heap, heaviest first."""

    walker: str
    """`c` or `python`."""
    requests: tuple[int, ...]
    """Answered by the worker at each snapshot."""
    objects: int
    """Walked, at the last snapshot."""
    bytes: int
    """What they weigh together."""
    pause: float
    """Seconds that the longest fork stopped the worker."""
    seconds: float
    """That the longest walk took, in the child."""
    retainers: tuple[HeapHolder, ...] = ()
    orphans: tuple[UnreachableObjects, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What came of an `ProbeRequest`; exactly one of the results, or a *problem* in one sentence."""

    ask: int
    problem: str = ""
    sources: tuple[ModuleSource, ...] = ()
    window: AllocationWindow | None = None
    trim: TrimResult | None = None
    heap: HeapGrowth | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a report says beside its samples, because it is new or was asked for."""

    holders: tuple[Holder, ...] = ()
    answers: tuple[ProbeResult, ...] = ()
    facts: dict[str, int] = field(default_factory=dict)
    """Switches of this process that matter to memory, as `gc_enabled` and `gc_frozen`."""
    parting: ProbeResult | None = None
    """What a worker holds that is about to be recycled, its heap or a problem; answers no ask."""
