"""Counts the workers of one project and environment that this host recycled within a day.

The count is kept in a file, so a worker that leaves while the server is down is counted too. The
ledger of the host coordinator serves another purpose: it covers every master, for an hour.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from zlib import crc32

from bugsly.recycle.host_coordinator import host_clock

if TYPE_CHECKING:
    from pathlib import Path

DAY_SECONDS = 86_400.0
MAX_DEPARTURES = 1_000
"""The latest ones are kept."""


class DailyRecycles:
    """The departures of the workers in one *group*."""

    def __init__(self, folder: Path, group: str) -> None:
        self._file = folder / f"day-{crc32(group.encode()):08x}"

    def record_departure(self) -> None:
        """Record that a worker leaves, unless the disk is full. The caller holds the lock."""
        departures = [*self._read_departures(), host_clock()][-MAX_DEPARTURES:]
        new_file = self._file.with_suffix(".new")
        with suppress(OSError):
            new_file.write_text("".join(f"{at!r}\n" for at in departures), encoding="utf-8")
            new_file.replace(self._file)

    def count(self) -> int:
        """Return how many left within a day; a file that cannot be read counts as none."""
        return len(self._read_departures())

    def _read_departures(self) -> list[float]:
        departures: list[float] = []
        with suppress(OSError, ValueError):
            departures += map(float, self._file.read_text(encoding="utf-8").splitlines())
        return [at for at in departures if 0 <= host_clock() - at < DAY_SECONDS]
