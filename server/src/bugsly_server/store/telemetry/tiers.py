"""Says how fine samples are kept, for how long, and which file holds a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND, Micros
from bugsly_server.store.size_retention import DatedFile, total_size

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tier:
    """One resolution of memory, and a coarser one of traffic, which takes more room."""

    name: str
    width: Micros
    """Of a bucket of memory; 0 for samples as they arrived."""
    traffic_width: Micros
    retention: Micros
    file_name_format: str
    """strftime of a file's name: it says how much one file holds."""

    def file(self, folder: Path, at: Micros) -> Path:
        """Return the file that holds *at*."""
        return folder / self.name / _file_name(self.file_name_format, at // DAY)

    def files(self, folder: Path) -> list[Path]:
        """Return the files there are, oldest first."""
        return sorted((folder / self.name).glob("*.db"))

    def begin(self, path: Path) -> Micros:
        """Return the first moment that *path* may hold."""
        first = datetime.strptime(path.stem, self.file_name_format).replace(tzinfo=UTC)
        return (first - EPOCH) // timedelta(microseconds=1)

    def dated_files(self, folder: Path) -> list[DatedFile]:
        """Return the files there are with the span of each, oldest first."""
        return [
            DatedFile(path, begin, self._end(begin), total_size(path.parent.glob(f"{path.name}*")))
            for path in self.files(folder)
            for begin in [self.begin(path)]
        ]

    def _end(self, begin: Micros) -> Micros:
        """Return the first moment after the file that begins at *begin*."""
        name, end = _file_name(self.file_name_format, begin // DAY), begin + DAY
        while _file_name(self.file_name_format, end // DAY) == name:
            end += DAY
        return end


def bucket_start(at: Micros, width: Micros) -> Micros:
    """Return the beginning of the bucket of *width* that *at* lies in."""
    return at - at % width if width else at


def tiers(keep_days: int) -> tuple[Tier, ...]:
    """Return the tiers, finest first, the coarsest of which is kept for *keep_days*."""
    return (
        Tier("samples", 0, MINUTE, 1 * DAY, "%Y-%m-%d"),
        Tier("minutes", MINUTE, 10 * MINUTE, min(7, keep_days) * DAY, "%Y-%m-%d"),
        Tier("ten-minutes", 10 * MINUTE, HOUR, min(35, keep_days) * DAY, "%Y-%m"),
        Tier("hours", HOUR, HOUR, keep_days * DAY, "%Y-%m"),
    )


@lru_cache(maxsize=256)
def _file_name(file_name_format: str, day: int) -> str:
    return f"{datetime.fromtimestamp(day * (DAY // SECOND), UTC):{file_name_format}}.db"
