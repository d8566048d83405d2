"""What no holder explains: native leaks, cycles, and memory that is free but kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bugsly.protocol.evidence import Line, Trim, Window
from bugsly_server.diagnose.live import (
    BLOCK_BYTES,
    LEAST_STEPS,
    MOST_BLOCK_BYTES,
    Moved,
    live_bytes,
    moved,
)
from bugsly_server.diagnose.shares import Stretch, endpoint_of, share
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.dossier import Dossier, Life
from bugsly_server.model.units import count, size

MOST = 0.5
"""The part of a growth that a fact has to account for to decide it."""
LITTLE = 0.45
GIVEN_BACK = 0.75
"""The part of what was gained that one malloc_trim gives back where memory is only kept."""


def name_remainder(
    dossier: Dossier, growing: Sequence[int], explained: float, *, watched: bool
) -> Diagnosis | None:
    """Return the diagnosis of what the holders leave unexplained in the *growing* workers.

    *explained* is the part of the growth that they account for, 0 to 1; *watched* whether the
    agents looked for holders long enough to have found one.
    """
    lives = [life for life in dossier.lives if life.worker_id in growing]
    window = _window(dossier.lives)
    block = _block_bytes(window)
    gains = [(life, moved(life, block)) for life in lives]
    measured = [(life, gain) for life, gain in gains if gain and gain.anonymous > 0]
    if not measured or explained >= MOST:
        return None
    _, gain = max(measured, key=lambda pair: (not pair[0].windows, pair[1].anonymous))
    shares = share(stretches([one for one, _ in measured]))
    trims = [trim for one in dossier.lives for trim in one.trims]
    cause, sure, because = _decide(gain, window, trims, watched=watched, off=is_off(dossier))
    line = next(iter(window.lines), None) if window is not None else None
    endpoint = endpoint_of(shares)
    per_request = shares[0].slope if endpoint else gain.anonymous / max(1, gain.requests)
    return Diagnosis(
        cause=cause,
        is_leak=cause in {Cause.NATIVE, Cause.CYCLES},
        holder="",
        site=line.site if line is not None and cause is not Cause.RETENTION else "",
        file="",
        endpoint=endpoint,
        shares=shares,
        bytes_per_request=per_request,
        entries_per_request=0.0,
        part=1.0 - explained,
        bytes=gain.anonymous,
        bound_bytes=None,
        confidence=sure,
        because=tuple(because),
        unless=UNLESS.get(cause, ()),
        workers=tuple(one.worker_id for one, _ in measured),
    )


UNLESS: dict[Cause, tuple[str, ...]] = {
    Cause.NATIVE: (
        "something Python does reach keeps the memory, in a place that no probe looks into",
    ),
    Cause.CYCLES: ("memory goes on growing with the collector on",),
    Cause.RETENTION: ("live bytes grow as well once more was served",),
    Cause.UNKNOWN: ("memory stops growing by itself",),
}


def _decide(
    gain: Moved, window: Window | None, trims: Sequence[Trim], *, watched: bool, off: bool
) -> tuple[Cause, float, list[str]]:
    """Return the cause, how sure it is, and the facts."""
    facts = [
        f"private memory gained {size(gain.anonymous)} over {count(gain.requests)} requests",
        "no container, cache, thread or connection that was seen to grow accounts for it",
    ]
    if window is not None and window.lines:
        facts.insert(0, f"{_told(window.lines[0])} outlived the requests that made it")
    if off:
        why = "Python's cyclic collector is off"
        return Cause.CYCLES, 0.8, [why, *facts]
    freed = _freed(trims, gain)
    if freed:
        return Cause.RETENTION, 0.9, [freed, *facts]
    if gain.live is not None:
        facts.insert(0, f"live bytes gained {size(max(0, gain.live))}")
    if gain.live is not None and (gain.live_at_most or 0) < LITTLE * gain.anonymous:
        return Cause.RETENTION, 0.8, [f"{facts[0]} only: the rest is free and kept", *facts[1:]]
    if not watched or not trims or not (_is_live(gain) or _outlives(window, gain)):
        return Cause.UNKNOWN, 0.4, facts
    return Cause.NATIVE, 0.75 if window is not None else 0.6, facts


def _is_live(gain: Moved) -> bool:
    """Return whether what was given out grows as memory does, and to the end."""
    return gain.live is not None and gain.live >= MOST * gain.anonymous and gain.steadily


def _outlives(window: Window | None, gain: Moved) -> bool:
    """Return whether what outlived its requests in *window* is most of the growth.

    Only asked where the allocators do not tell: what a full cache keeps for a while, before it
    makes room for the next, outlives a window too.
    """
    if window is None or not window.requests or gain.live is not None:
        return False
    each = sum(line.bytes for line in window.lines) / window.requests
    return each >= MOST * gain.anonymous / max(1, gain.requests)


def _freed(trims: Iterable[Trim], gain: Moved) -> str:
    """Return the fact that a trim gave most of the growth back, empty where none did."""
    for trim in trims:
        if trim.before - trim.after >= GIVEN_BACK * gain.anonymous:
            moved_by = f"from {size(trim.before)} to {size(trim.after)}"
            cycles = f"a collection freed {count(trim.garbage)} objects in cycles, and "
            return f"{cycles if trim.garbage > 0 else ''}malloc_trim took memory {moved_by}"
    return ""


def is_off(dossier: Dossier) -> bool:
    """Return whether workers run without Python's cyclic collector.

    Objects frozen before the fork, as is usual with preload_app, cannot grow in number.
    """
    switches = ("gc_enabled", "gc_threshold")
    return any(life.facts.get(one, 1) == 0 for life in dossier.lives for one in switches)


def _window(lives: Iterable[Life]) -> Window | None:
    """Return the latest window in the first of *lives* that has one: all run the same code."""
    return next((life.windows[-1] for life in lives if life.windows), None)


def _block_bytes(window: Window | None) -> float:
    """Return what a block of Python's allocator weighs, the mean of what outlived *window*."""
    blocks = sum(line.count for line in window.lines) if window is not None else 0
    if window is None or not blocks:
        return BLOCK_BYTES
    return min(MOST_BLOCK_BYTES, sum(line.bytes for line in window.lines) / blocks)


def _told(line: Line) -> str:
    named = {"at": line.site, "within": line.inner}
    where = ", ".join(f"{how} {place}" for how, place in named.items() if place)
    return f"{size(line.bytes)} in {count(line.count)} allocations {where}"


def stretches(lives: Sequence[Life]) -> list[Stretch]:
    """Return what live bytes gained from reading to reading, or memory where nothing tells."""
    found = []
    for life in lives:
        steps = life.steps[len(life.steps) // 8 :]
        live = live_bytes(steps)
        levels = (
            dict(live) if len(live) >= LEAST_STEPS else {s.requests: s.anonymous for s in steps}
        )
        served: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        before: float | None = None
        for step in steps:
            served.update(step.served)
            failed.update(step.failed)
            level = levels.get(step.requests)
            if level is None:
                continue
            if before is not None and served:
                found.append(Stretch(level - before, dict(served), dict(failed)))
            before = level
            served.clear()
            failed.clear()
    return found
