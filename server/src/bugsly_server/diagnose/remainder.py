"""What no holder explains: native leaks, cycles, and memory that is free but kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bugsly.protocol.evidence import Line, Window
from bugsly_server.diagnose.shares import Stretch, drives, share
from bugsly_server.model.diagnosis import Cause, Diagnosis, Share
from bugsly_server.model.dossier import Dossier, Life, Step
from bugsly_server.model.units import count, size

BLOCK_BYTES = 90.0
"""Of the mean block of Python's own allocator."""
LEAST_STEPS = 6
MOST = 0.5
"""The part of a growth that a fact has to account for to decide it."""
LITTLE = 0.25
GIVEN_BACK = 0.5
"""The part of what was gained that one malloc_trim gives back where memory is only kept."""


class Moved(NamedTuple):
    """What a life gained after its warm-up. Sizes are bytes."""

    requests: int
    anonymous: int
    in_use: int | None
    """Given out by the C allocator; None where it does not tell."""
    python: int | None
    """In blocks of Python's own allocator, roughly; None where they were not read."""
    descriptors: int
    threads: int


def moved(life: Life) -> Moved | None:
    """Return what *life* gained between its second eighth and its end; None where it is young."""
    steps = life.steps
    if len(steps) < LEAST_STEPS:
        return None
    begin = steps[len(steps) // 8]
    first, last = _low(steps, begin.requests), steps[-1]
    ends = steps[-max(2, len(steps) // 8) :]
    blocks = [step.blocks for step in steps[len(steps) // 8 :] if step.blocks is not None]
    in_use = [step.in_use for step in steps[len(steps) // 8 :] if step.in_use]
    lows = min(step.anonymous for step in ends)
    return Moved(
        requests=last.requests - begin.requests,
        anonymous=lows - first.anonymous,
        in_use=min(in_use[-len(ends) :]) - in_use[0] if len(in_use) > len(ends) else None,
        python=round((blocks[-1] - blocks[0]) * BLOCK_BYTES) if len(blocks) > 1 else None,
        descriptors=last.descriptors - begin.descriptors,
        threads=last.threads - begin.threads,
    )


def name_remainder(
    dossier: Dossier, growing: Sequence[int], explained: float, *, watched: bool
) -> Diagnosis | None:
    """Return the diagnosis of what the holders leave unexplained in the *growing* workers.

    *explained* is the part of the growth that they account for, 0 to 1; *watched* whether the
    agents looked for holders long enough to have found one.
    """
    lives = [life for life in dossier.lives if life.worker_id in growing]
    measured = [(life, gain) for life in lives if (gain := moved(life)) and gain.anonymous > 0]
    if not measured or explained >= MOST:
        return None
    life, gain = max(measured, key=lambda pair: pair[1].anonymous)
    shares = share(_stretches([one for one, _ in measured]))
    windows = [
        window for one in (life, *(one for one, _ in measured)) for window in one.windows[-1:]
    ]
    window = windows[0] if windows else None
    cause, sure, because = _decide(life, gain, window, watched=watched)
    line = window.lines[0] if window is not None and window.lines else None
    endpoint = shares[0].endpoint if drives(shares) else ""
    per_request = shares[0].slope if endpoint else gain.anonymous / max(1, gain.requests)
    return Diagnosis(
        cause=cause,
        is_leak=cause in {Cause.NATIVE, Cause.CYCLES, Cause.KEPT_EXCEPTION},
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
    life: Life, gain: Moved, window: Window | None, *, watched: bool
) -> tuple[Cause, float, list[str]]:
    """Return the cause, how sure it is, and the facts."""
    facts = [
        f"private memory gained {size(gain.anonymous)} over {count(gain.requests)} requests",
        "no container, cache, thread or connection that was seen to grow accounts for it",
    ]
    if window is not None and window.lines:
        facts.insert(0, f"{_told(window.lines[0])} outlived the requests that made it")
    freed = _freed(life, gain)
    if freed:
        return Cause.RETENTION, 0.9, [freed, *facts]
    if _collector_is_off(life):
        off = "Python's cyclic collector is off, or its objects are frozen"
        return Cause.CYCLES, 0.8, [off, *facts]
    native = _native(gain, window) if watched else ""
    if native:
        return Cause.NATIVE, 0.75 if window is not None else 0.6, [native, *facts]
    return Cause.UNKNOWN, 0.4 if watched else 0.3, facts


def _freed(life: Life, gain: Moved) -> str:
    """Return the fact that shows memory to be free and kept, empty where none does."""
    for trim in life.trims:
        if trim.before - trim.after >= GIVEN_BACK * gain.anonymous:
            moved = f"from {size(trim.before)} to {size(trim.after)}"
            return f"one malloc_trim took private memory {moved}"
    if gain.in_use is None or gain.python is None:
        return ""
    live = max(0, gain.in_use) + max(0, gain.python)
    if live >= LITTLE * gain.anonymous:
        return ""
    return f"live bytes gained {size(live)} only: the rest is free and kept"


def _native(gain: Moved, window: Window | None) -> str:
    if gain.in_use is not None and gain.in_use >= MOST * gain.anonymous:
        return f"the C allocator has given out {size(gain.in_use)} more"
    if window is not None and window.lines and gain.python is not None:
        return f"Python's own blocks gained {size(gain.python)}"
    return ""


def _collector_is_off(life: Life) -> bool:
    return life.facts.get("gc_enabled", 1) == 0 or life.facts.get("gc_frozen", 0) > 0


def _told(line: Line) -> str:
    inner = f", within {line.inner}" if line.inner else ""
    return f"{size(line.bytes)} in {count(line.count)} allocations at {line.site}{inner}"


def _low(steps: Sequence[Step], until: int) -> Step:
    """Return the step of least memory around the one that had served *until*."""
    near = [step for step in steps if until <= step.requests <= until * 1.5] or [steps[0]]
    return min(near, key=lambda step: step.anonymous)


def _stretches(lives: Sequence[Life]) -> list[Stretch]:
    found = []
    for life in lives:
        before: Step | None = None
        for step in life.steps[len(life.steps) // 8 :]:
            if before is not None and step.served:
                grown = float(step.anonymous - before.anonymous)
                found.append(Stretch(grown, step.served, step.failed))
            before = step
    return found


def endpoint_of(shares: Sequence[Share]) -> str:
    """Return the endpoint that drives a growth, empty where none does."""
    return shares[0].endpoint if drives(shares) else ""
