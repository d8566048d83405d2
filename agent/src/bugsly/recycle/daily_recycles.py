"""How many workers that report alike were recycled on this host within a day.

Who goes while the server is down can tell nobody else. The ledger of the board is another thing:
it has every crew in it, and an hour.
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
"""Departures that are remembered, the latest."""


class DailyRecycles:
    """The departures of workers that report to one place, *key*."""

    def __init__(self, folder: Path, key: str) -> None:
        self._file = folder / f"day-{crc32(key.encode()):08x}"

    def record_departure(self) -> None:
        """Write down that a worker goes, unless the disk is full. Only who has the turn may."""
        departures = [*self._read_departures(), host_clock()][-MAX_DEPARTURES:]
        new_file = self._file.with_suffix(".new")
        with suppress(OSError):
            new_file.write_text("".join(f"{at!r}\n" for at in departures), encoding="utf-8")
            new_file.replace(self._file)

    def count(self) -> int:
        """Return how many went within a day; what cannot be read counts as nobody."""
        return len(self._read_departures())

    def _read_departures(self) -> list[float]:
        departures: list[float] = []
        with suppress(OSError, ValueError):
            departures += map(float, self._file.read_text(encoding="utf-8").splitlines())
        return [at for at in departures if 0 <= host_clock() - at < DAY_SECONDS]
