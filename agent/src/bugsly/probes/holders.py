"""Puts together what the probes of holders count, and tells what is new of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bugsly.guard import Guard, Guards
    from bugsly.protocol.evidence import Holder, Level

MAX_KNOWN = 200
"""Holders whose first count is remembered, so that their growth can be ranked."""
MAX_LEVELS = 20
UNWEIGHED = 1_000
"""What an entry counts for in the ranking where no probe could weigh it, bytes."""
CHANGED = 0.2
"""Of an entry's weight: the change from which on it is told again."""
FEW = 10
"""Of a count in a description: it is told again when it doubled, and rose by more than this."""
LOYALTY = 2.0
"""How many times more than one that is reported another has to matter to take its place."""


class HolderProbe(Protocol):
    """Counts some kind of holder."""

    def levels(self) -> Iterable[Level]:
        """Count now, and only those that grew or are worth a look."""

    def holders(self) -> Iterable[Holder]:
        """Describe those in `levels`."""


class Known(NamedTuple):
    """A holder with its count when it was met first, and its count now."""

    holder: Holder
    first: int
    level: Level

    @property
    def weight(self) -> int:
        """Return about how many bytes it gained."""
        grown = max(0, self.level.count - self.first)
        return grown * (self.holder.entry_bytes or UNWEIGHED)


class Holders:
    """What several probes count together; one of them failing costs the others nothing."""

    def __init__(self, probes: Mapping[str, HolderProbe], guards: Guards) -> None:
        self._probes: list[tuple[HolderProbe, Guard]] = [
            (probe, guards(f"probe.{name}")) for name, probe in probes.items()
        ]
        self._known: dict[str, Known] = {}
        self._reported: set[str] = set()
        self._told: dict[str, Holder] = {}

    def levels(self) -> tuple[Level, ...]:
        """Count now; return those that gained most, and rather the same from time to time."""
        seen: dict[str, Known] = {}
        for probe, guard in self._probes:
            with guard:
                seen |= self._count(probe)
        kept = sorted(seen.values(), key=self._rank, reverse=True)[:MAX_KNOWN]
        self._known = {one.holder.name: one for one in kept}
        self._reported = {one.holder.name for one in kept[:MAX_LEVELS]}
        return tuple(one.level for one in kept[:MAX_LEVELS])

    def news(self) -> tuple[Holder, ...]:
        """Describe those in the last `levels` that are new, or changed since they were told."""
        told = {name: one for name, one in self._told.items() if name in self._known}
        fresh = [
            self._known[name].holder
            for name in self._reported
            if name not in told or _changed(told[name], self._known[name].holder)
        ]
        self._told = told | {holder.name: holder for holder in fresh}
        return tuple(fresh)

    def _count(self, probe: HolderProbe) -> dict[str, Known]:
        counted = {level.holder: level for level in probe.levels()}
        described = {holder.name: holder for holder in probe.holders()}
        return {
            name: Known(described[name], self._first(name, level), level)
            for name, level in counted.items()
            if name in described
        }

    def _first(self, name: str, level: Level) -> int:
        known = self._known.get(name)
        return level.count if known is None else known.first

    def _rank(self, known: Known) -> float:
        loyalty = LOYALTY if known.holder.name in self._reported else 1.0
        return loyalty * (known.weight + 1)


def _changed(told: Holder, now: Holder) -> bool:
    """Return whether *now* is worth telling again: counts that only went on are not."""
    if abs(now.entry_bytes - told.entry_bytes) > CHANGED * told.entry_bytes:
        return True
    if _lasting(told) != _lasting(now):
        return True
    before = {"removed": told.removed, **told.details}
    after = {"removed": now.removed, **now.details}
    return any(_doubled(before.get(name, 0), count) for name, count in after.items())


def _doubled(before: int, now: int) -> bool:
    return now - before > max(FEW, before)


def _lasting(holder: Holder) -> tuple[object, ...]:
    return (
        holder.kind,
        holder.bound,
        holder.entry,
        holder.site,
        holder.endpoint,
        holder.file,
        holder.library,
    )
