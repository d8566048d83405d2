"""Finds which of many counts have risen since they were first read, for the holder registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from bugsly.probes.census.distributions import DistributionFinder
from bugsly.probes.cost_throttle import CostThrottle
from bugsly.protocol.evidence import Holder, HolderCount

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_RISE = 3
"""Rise from which on a count is reported."""
MAX_FOLLOWED = 2_000
"""Counts that are compared; further names are ignored."""


class DescribedCount(NamedTuple):
    """A count, and a function that describes its holder by name."""

    now: int
    describe: Callable[[str], Holder]


CountReader = Callable[[], Mapping[str, DescribedCount]]
"""Returns the counts of one kind of object, by the name of their holder."""


class RisingCountProbe:
    """The counts of one reader that have risen; it is read as often as its cost allows.

    It keeps counts and descriptions only, never the objects that are counted.
    """

    def __init__(self, read_counts: CountReader) -> None:
        self._throttle = CostThrottle(read_counts)
        self._lowest: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._removed: dict[str, int] = {}
        self._risen: dict[str, int] = {}
        self._holders: list[Holder] = []
        self._distributions = DistributionFinder()

    def count_holders(self) -> Iterator[HolderCount]:
        """Return what has risen; the last counts if new ones are not due."""
        counts = self._throttle.read_if_due()
        if counts is not None:
            self._compare({name: one.now for name, one in counts.items()})
            self._holders = [
                self._complete_holder(counts[name].describe(name)) for name in self._risen
            ]
        return (HolderCount(holder=name, count=count) for name, count in self._risen.items())

    def describe_holders(self) -> Iterator[Holder]:
        """Describe those in `count_holders`."""
        return iter(self._holders)

    def _complete_holder(self, holder: Holder) -> Holder:
        library = self._distributions.distribution_of(holder.file) if holder.file else ""
        return replace(holder, removed=self._removed.get(holder.name, 0), library=library)

    def _compare(self, counts: Mapping[str, int]) -> None:
        self._removed = {name: gone for name, gone in self._removed.items() if name in counts}
        for name, last in self._last.items():
            if counts.get(name, last) < last:
                self._removed[name] = self._removed.get(name, 0) + last - counts[name]
        followed = {name: count for name, count in counts.items() if name in self._lowest}
        newcomers = {name: count for name, count in counts.items() if name not in self._lowest}
        followed.update(list(newcomers.items())[: MAX_FOLLOWED - len(followed)])
        self._lowest = {
            name: min(count, self._lowest.get(name, count)) for name, count in followed.items()
        }
        self._risen = {
            name: count
            for name, count in followed.items()
            if count - self._lowest[name] >= MIN_RISE
        }
        self._last = followed
