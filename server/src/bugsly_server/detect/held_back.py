"""Decides when a person is to be told that workers cannot be recycled, and that they can again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bugsly.protocol.net import Hindrance, Net
from bugsly_server.clock import MINUTE, SECOND, Micros
from bugsly_server.detect.lifecycle import APART_AT_LEAST
from bugsly_server.model.held_back import HeldBack
from bugsly_server.model.issue import Change, ChangeKind, State
from bugsly_server.model.units import duration

LASTS: Micros = 5 * MINUTE
"""A deploy or a slow start hinders for less."""
OVER: Micros = 30 * MINUTE
"""Without it: what comes and goes, as a budget that is used up again and again, is told once."""
AT_ONCE = frozenset({Hindrance.UNSUPPORTED, Hindrance.FRESH})
"""What only another setting ends."""
OURS = "recycling: "


class Held(NamedTuple):
    """Since when workers are held back, and when they were last."""

    since: Micros
    seen: Micros


def go_on(
    held: Held | None, nets: Sequence[Net], known: HeldBack | None, now: Micros
) -> Held | None:
    """Return what follows from *nets*, those that are held back now, after *held*.

    Who has only begun to look goes by the issue that is *known*.
    """
    if held is None and known is not None and known.state is State.OPEN:
        held = Held(since=now, seen=now)
    if nets:
        return Held(since=now if held is None else held.since, seen=now)
    return held if held is not None and now - held.seen < OVER else None


def next_step(
    known: HeldBack | None, nets: Sequence[Net], held: Held | None, now: Micros
) -> Change | None:
    """Return what is to be told now, if anything."""
    if known is not None and known.state is State.OPEN:
        if held is not None:
            return None
        because = f"no worker has been held back for {duration(OVER / SECOND)}"
        return Change(kind=ChangeKind.RESOLVED, at=now, because=because, finding=None)
    if known is not None and now - known.changed_at < APART_AT_LEAST:
        return None
    at_once = any(net.hindrance in AT_ONCE for net in nets)
    if held is None or not nets or not (at_once or now - held.since >= LASTS):
        return None
    kind = ChangeKind.OPENED if known is None else ChangeKind.CAME_BACK
    return Change(kind=kind, at=now, because=in_words(nets), finding=None)


def in_words(nets: Sequence[Net]) -> str:
    """Return what hinders and what to do, each hindrance once."""
    told = {net.hindrance: net.because.removeprefix(OURS) for net in nets}
    return "; ".join(told.values())
