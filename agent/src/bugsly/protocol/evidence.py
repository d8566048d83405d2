"""Evidence: facts that say why memory grows. They travel with the samples of a worker.

A *holder* is anything that keeps memory and can be counted: a container, the threads started at
one line, the connections checked out at one line. It is described once, in `Holder`, and counted
in every sample from then on, in `Level`, at the same moment as the traffic that may drive it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
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
class Ask:
    """A dear probe that the server asks one worker for, in its reply."""

    id: int
    probe: str
    """`source`, `window` or `trim`."""
    files: tuple[str, ...] = ()
    """Of `source`: the files to read, or modules as `shop.views`, or endpoints as `GET /items`."""
    requests: int = 0
    """Of `window`: how many requests it lasts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
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
class Line:
    """What is still allocated, at the end of a window, by one line of code."""

    site: str
    """`shop/views.py:12`, the application's line that is nearest to the allocation."""
    bytes: int
    count: int
    inner: str = ""
    """The line that allocated, where it lies in a library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What outlived its requests while allocations were traced in one worker."""

    method: str
    """`memray` or `tracemalloc`."""
    requests: int
    seconds: float
    grown: int
    """Bytes the worker's private memory gained meanwhile."""
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """What one collection and one malloc_trim gave back."""

    before: int
    after: int
    """Private memory, bytes."""
    garbage: int = 0
    """Objects in cycles that the collection found; -1 where the heap is too large for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of an `Ask`; exactly one of the results, or a *problem* in one sentence."""

    ask: int
    problem: str = ""
    sources: tuple[Source, ...] = ()
    window: Window | None = None
    trim: Trim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a report says beside its samples, because it is new or was asked for."""

    holders: tuple[Holder, ...] = ()
    answers: tuple[Answer, ...] = ()
    facts: dict[str, int] = field(default_factory=dict)
    """Switches of this process that matter to memory, as `gc_enabled` and `gc_frozen`."""
