"""Evidence of why memory grows, which travels with the samples of a worker.

A *holder* is anything that keeps memory and can be counted: a container, the threads started at
one line, the connections checked out at one line. `Holder` describes it once. From then on every
sample has its `HolderCount`, taken at the same moment as the traffic that may drive it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderCount:
    """How many entries a holder has at the moment of a sample."""

    holder: str
    """The name of the holder."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The description of a growing holder. A later description replaces an earlier one."""

    name: str
    """The path in the code: `shop.views.request_log` or `shop.models.Order.seen`."""
    kind: str
    """`list`, `dict`, `set`, `deque`, `lru_cache` and so on, or what else is counted: `thread`,
    `handler`, `receiver`, `metric`, `subclass`, `connection`, `survivor`, `descriptor`."""
    bound: int | None = None
    """The count at which it stops to grow by itself; None where nothing limits it."""
    entry_bytes: int = 0
    """Estimated size of one of its newest entries, with what that entry alone seems to keep."""
    entry: str = ""
    """The type of an entry: `dict` or `shop.models.Quote`."""
    removed: int = 0
    """How many entries were seen to be removed."""
    site: str = ""
    """The line that creates or fills it, as `shop/views.py:12`, where the probe itself knows."""
    endpoint: str = ""
    """The endpoint it belongs to, where the probe itself knows."""
    file: str = ""
    """Source file of the module that its path begins with."""
    library: str = ""
    """Distribution and version of the module, as `marshmallow 2.16.2`; empty for the
    application's own code."""
    details: dict[str, int] = field(default_factory=dict)
    """Counts that only this kind has, such as `hits` and `misses` of a cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeRequest:
    """An expensive probe that the server requests from one worker, in its reply."""

    id: int
    probe: str
    """`source`, `window`, `trim` or `heap`."""
    files: tuple[str, ...] = ()
    """For `source`: files to read, or modules as `shop.views`, or endpoints as `GET /items`."""
    requests: int = 0
    """For `window` and `heap`: how many requests it lasts; 0 for a single heap snapshot."""
    by_hand: bool = False
    """Whether a person asked, by `bugsly heap` or `bugsly doctor`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleSource:
    """The source of one module, as it is on disk now."""

    file: str
    module: str
    text: str = ""
    edited: bool = False
    """Whether it changed after the worker started."""
    problem: str = ""
    """Why there is no text."""
    views: dict[str, int] = field(default_factory=dict)
    """First lines of the requested views, by endpoint; 0 where none was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationSite:
    """What one line of code allocated in a window and was not freed at its end."""

    site: str
    """The application's line nearest to the allocation: `shop/views.py:12`."""
    bytes: int
    count: int
    inner: str = ""
    """The line that allocated, where it is in a library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationWindow:
    """Allocations that outlived their requests while one worker was traced."""

    method: str
    """`memray` or `tracemalloc`."""
    requests: int
    seconds: float
    grown: int
    """Bytes by which the worker's private memory grew meanwhile."""
    lines: tuple[AllocationSite, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrimResult:
    """What one garbage collection and one malloc_trim freed."""

    before: int
    after: int
    """Private memory, bytes."""
    garbage: int = 0
    """Objects in cycles that the collection found; -1 where the heap is too large for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderPathStep:
    """One step of the path from a root to a heap holder."""

    name: str
    """As written in code: `shop.cache`, `.SEEN`, `['a']`, `[*]`, `<closure>.seen`."""
    type: str
    """Of the object that the step leads to: `dict` or `shop.models.Quote`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapHolder:
    """An object that keeps more with every snapshot of the heap, and the path to it.

    The numbers are those of the snapshots, in order.
    """

    path: str
    """The path as one text, `shop.cache.SEEN`: the same in every process and release."""
    hops: tuple[HolderPathStep, ...]
    counts: tuple[int, ...]
    """Objects it refers to directly."""
    retained: tuple[int, ...]
    """Bytes that only it keeps alive: its retained size."""
    types: dict[str, int] = field(default_factory=dict)
    """How many objects of the most frequent types it refers to at the last snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreachableObjects:
    """Objects of one type that are alive though no root reaches them, at each snapshot."""

    type: str
    counts: tuple[int, ...]
    bytes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapGrowth:
    """What grew between the snapshots of one worker's heap, the largest first."""

    walker: str
    """`c` or `python`."""
    requests: tuple[int, ...]
    """Requests that the worker had answered at each snapshot."""
    objects: int
    """Objects walked at the last snapshot."""
    bytes: int
    """Their total size."""
    pause: float
    """Seconds for which the longest fork stopped the worker."""
    seconds: float
    """Seconds that the longest walk took, in the child process."""
    retainers: tuple[HeapHolder, ...] = ()
    orphans: tuple[UnreachableObjects, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What came of a `ProbeRequest`: exactly one of the results, or a *problem* in one sentence."""

    ask: int
    problem: str = ""
    sources: tuple[ModuleSource, ...] = ()
    window: AllocationWindow | None = None
    trim: TrimResult | None = None
    heap: HeapGrowth | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a report has in addition to samples, because it is new or was requested."""

    holders: tuple[Holder, ...] = ()
    answers: tuple[ProbeResult, ...] = ()
    facts: dict[str, int] = field(default_factory=dict)
    """Settings of this process that affect memory, such as `gc_enabled` and `gc_frozen`."""
    parting: ProbeResult | None = None
    """The heap of a worker that is about to be recycled, or a problem; no request asked for it."""
