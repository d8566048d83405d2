"""How fine samples are kept, for how long, and in which file a moment lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros


@dataclass(frozen=True, slots=True)
class Tier:
    """One resolution. *width* is that of a bucket, 0 for samples as they came."""

    name: str
    width: Micros
    keep: Micros
    stamp: str
    """strftime of a file's name: it says how much one file holds."""

    def file(self, folder: Path, at: Micros) -> Path:
        """Return the file that holds *at*."""
        return folder / self.name / f"{datetime.fromtimestamp(at / SECOND, UTC):{self.stamp}}.db"

    def files(self, folder: Path, since: Micros, until: Micros) -> list[Path]:
        """Return the files there are that may hold something from *since* to *until*, in order."""
        first, last = self.file(folder, max(0, since)).name, self.file(folder, until).name
        there = sorted((folder / self.name).glob("*.db"))
        return [path for path in there if first <= path.name <= last]

    def bucket(self, at: Micros) -> Micros:
        """Return the beginning of the bucket *at* lies in."""
        return at - at % self.width


def tiers(keep_days: int) -> tuple[Tier, ...]:
    """Return the tiers, finest first, the coarsest of which is kept for *keep_days*."""
    return (
        Tier("samples", 0, 1 * DAY, "%Y-%m-%d"),
        Tier("minutes", MINUTE, min(7, keep_days) * DAY, "%Y-%m-%d"),
        Tier("ten-minutes", 10 * MINUTE, min(35, keep_days) * DAY, "%Y-%m"),
        Tier("hours", HOUR, keep_days * DAY, "%Y-%m"),
    )
