"""Says in the text of a failed test what grew, by how much, from which line, and how to fix it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bugsly.protocol.evidence import AllocationSite, HeapHolder, UnreachableObjects
    from bugsly.testing.growth_check import MeasuredGrowth

MAX_SHOWN = 3
MAX_PATH_STEPS = 8
FIXES = (
    ("lru_cache_wrapper", "give the cache a size: `@lru_cache(maxsize=1000)`"),
    ("list", "bound it, `collections.deque(maxlen=1000)`, or keep it out of the process"),
    ("dict", "bound it, as `cachetools.TTLCache` does, or take entries out when they are used"),
    ("set", "take entries out when they are used, or keep them in a database"),
)
"""By the end of the holder's type."""
OTHER_FIX = "find what adds to it with each call, and take it out again"


def describe_leak(grown: MeasuredGrowth, lines: Sequence[AllocationSite]) -> str:
    """Return the whole text of the failure."""
    parts = [_describe_holder(one, grown.calls) for one in grown.holders[:MAX_SHOWN]]
    parts += [_describe_unreachable(one, grown.calls) for one in grown.unreachable[:MAX_SHOWN]]
    hidden = len(grown.holders) + len(grown.unreachable) - len(parts)
    if hidden:
        parts.append(f"{hidden} more grew as well")
    if lines:
        made = ", ".join(f"{line.site} ({_size(line.bytes)})" for line in lines[:MAX_SHOWN])
        parts.append(f"what remains was allocated at {made}")
    return "\n".join(parts)


def _describe_holder(holder: HeapHolder, calls: int) -> str:
    gained = holder.counts[-1] - holder.counts[0]
    bytes_per_call = (holder.retained[-1] - holder.retained[0]) / calls
    kind = holder.hops[-1].type
    fix = next((fix for end, fix in FIXES if kind.endswith(end)), OTHER_FIX)
    return (
        f"{holder.path} grows by {_size(bytes_per_call)} per call:"
        f" {gained} more entries after {calls} calls\n"
        f"  held by {_path_text(holder)}\n"
        f"  → {fix}"
    )


def _path_text(holder: HeapHolder) -> str:
    steps = [f"{hop.name} ({hop.type})" for hop in holder.hops[:MAX_PATH_STEPS]]
    more = " …" if len(holder.hops) > MAX_PATH_STEPS else ""
    return " → ".join(steps) + more


def _describe_unreachable(unreachable: UnreachableObjects, calls: int) -> str:
    gained = unreachable.counts[-1] - unreachable.counts[0]
    bytes_per_call = (unreachable.bytes[-1] - unreachable.bytes[0]) / calls
    return (
        f"{gained} more objects of {unreachable.type} are alive after {calls} calls,"
        f" {_size(bytes_per_call)} per call, and nothing in Python leads to them\n"
        "  → an extension keeps them: look at what it was given, and at newer versions of it"
    )


def _size(number: float) -> str:
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number:.0f} bytes"
