"""Collects the counts of all holder probes for the sampler, and describes what has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bugsly.guard import Guard, Guards
    from bugsly.protocol.evidence import Holder, HolderCount

MAX_KNOWN_HOLDERS = 200
"""Holders whose first count is kept, to rank them by growth."""
MAX_REPORTED_HOLDERS = 20
UNWEIGHED_ENTRY_BYTES = 1_000
"""Assumed bytes of an entry, for the ranking, if no probe could weigh it."""
MIN_WEIGHT_CHANGE = 0.2
"""Relative change of an entry's size from which on a holder is described again."""
MIN_DETAIL_RISE = 10
"""A holder is described again if a count in its details doubled and rose by more than this."""
REPORTED_BONUS = 2.0
"""Factor by which a holder has to outrank a reported one to replace it."""


class HolderProbe(Protocol):
    """Counts one kind of holder."""

    def count_holders(self) -> Iterable[HolderCount]:
        """Count the holders that have grown."""

    def describe_holders(self) -> Iterable[Holder]:
        """Describe those in `count_holders`."""


class KnownHolder(NamedTuple):
    """A holder with its first count and its count now."""

    holder: Holder
    first_count: int
    level: HolderCount

    @property
    def gained_bytes(self) -> int:
        """Return an estimate of the bytes it gained."""
        grown = max(0, self.level.count - self.first_count)
        return grown * (self.holder.entry_bytes or UNWEIGHED_ENTRY_BYTES)


class HolderRegistry:
    """The holders that several probes count; if one probe fails, the others still count."""

    def __init__(self, probes: Mapping[str, HolderProbe], guards: Guards) -> None:
        self._probes: list[tuple[HolderProbe, Guard]] = [
            (probe, guards(f"probe.{name}")) for name, probe in probes.items()
        ]
        self._known: dict[str, KnownHolder] = {}
        self._reported: set[str] = set()
        self._described: dict[str, Holder] = {}

    def count_holders(self) -> tuple[HolderCount, ...]:
        """Count now; return the holders that gained most, with a preference for reported ones."""
        seen: dict[str, KnownHolder] = {}
        for probe, guard in self._probes:
            with guard:
                seen |= self._count(probe)
        kept = sorted(seen.values(), key=self._rank_of, reverse=True)[:MAX_KNOWN_HOLDERS]
        self._known = {one.holder.name: one for one in kept}
        self._reported = {one.holder.name for one in kept[:MAX_REPORTED_HOLDERS]}
        return tuple(one.level for one in kept[:MAX_REPORTED_HOLDERS])

    def describe_changed(self) -> tuple[Holder, ...]:
        """Describe the holders in the last `count_holders` that are new or have changed."""
        described = {name: one for name, one in self._described.items() if name in self._known}
        changed = [
            self._known[name].holder
            for name in self._reported
            if name not in described
            or _is_worth_reporting(described[name], self._known[name].holder)
        ]
        self._described = described | {holder.name: holder for holder in changed}
        return tuple(changed)

    def _count(self, probe: HolderProbe) -> dict[str, KnownHolder]:
        counted = {level.holder: level for level in probe.count_holders()}
        described = {holder.name: holder for holder in probe.describe_holders()}
        return {
            name: KnownHolder(described[name], self._first_count(name, level), level)
            for name, level in counted.items()
            if name in described
        }

    def _first_count(self, name: str, level: HolderCount) -> int:
        known = self._known.get(name)
        return level.count if known is None else known.first_count

    def _rank_of(self, known: KnownHolder) -> float:
        bonus = REPORTED_BONUS if known.holder.name in self._reported else 1.0
        return bonus * (known.gained_bytes + 1)


def _is_worth_reporting(described: Holder, now: Holder) -> bool:
    """Return whether *now* differs enough from what was *described* before."""
    if abs(now.entry_bytes - described.entry_bytes) > MIN_WEIGHT_CHANGE * described.entry_bytes:
        return True
    if _lasting_fields(described) != _lasting_fields(now):
        return True
    before = {"removed": described.removed, **described.details}
    after = {"removed": now.removed, **now.details}
    return any(_doubled(before.get(name, 0), count) for name, count in after.items())


def _doubled(before: int, now: int) -> bool:
    return now - before > max(MIN_DETAIL_RISE, before)


def _lasting_fields(holder: Holder) -> tuple[object, ...]:
    return (
        holder.kind,
        holder.bound,
        holder.entry,
        holder.site,
        holder.endpoint,
        holder.file,
        holder.library,
    )
