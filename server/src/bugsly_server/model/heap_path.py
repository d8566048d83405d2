"""The path from a root to what grows, and what that keeps."""

from __future__ import annotations

from dataclasses import dataclass

from bugsly.protocol.evidence import HolderPathStep
from bugsly_server.model.units import count, size


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapPath:
    """What a walk of a worker's heap showed about a holder, or about unreachable objects."""

    hops: tuple[HolderPathStep, ...]
    """From the root on; empty where no root leads to the objects."""
    requests: tuple[int, ...]
    """Answered by the worker at each snapshot."""
    counts: tuple[int, ...]
    """Entries of the holder, or objects without one, at each."""
    bytes: int
    """What only the holder keeps alive."""
    entry: str
    """The type that best describes what is kept; empty where none does."""
    types: dict[str, int]
    """How many of each type are kept, the heaviest first."""
    objects: int
    """In the whole heap."""
    pause: float
    """Seconds that the longest snapshot stopped the worker."""

    @property
    def entries(self) -> int:
        """Return how many there were at the last snapshot."""
        return self.counts[-1]

    @property
    def kept(self) -> str:
        """Return what is kept, as a number of objects of one type."""
        number = self.types.get(self.entry)
        return f"{count(number)} × {self.entry}" if number else ""

    def describe(self, holder: str) -> str:
        """Return what *holder* keeps, in one line."""
        kind = self.hops[-1].type.rpartition(".")[2]
        what = f"{kind}, {count(self.entries)} entries" if self.entries else kind
        keeps = f"{holder} ({what}) keeps {size(self.bytes)}"
        return f"{keeps}: {self.kept}" if self.kept else keeps
