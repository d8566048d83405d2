"""A probe of holders that tells what a test puts into it."""

from collections.abc import Iterable
from typing import Any

from bugsly.protocol.evidence import Holder, HolderCount


class FakeHolderProbe:
    def __init__(self, **counts: int) -> None:
        self.counts = counts
        self.described = {name: Holder(name=name, kind="list") for name in counts}
        self.fails = False

    def count_holders(self) -> Iterable[HolderCount]:
        if self.fails:
            raise RuntimeError("it fails")
        return [HolderCount(holder=name, count=count) for name, count in self.counts.items()]

    def describe_holders(self) -> Iterable[Holder]:
        return self.described.values()

    def describe(self, name: str, count: int = 0, **fields: Any) -> None:
        self.described[name] = Holder(name=name, kind="list", **fields)
        self.counts[name] = count
