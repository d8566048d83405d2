"""How many workers that report alike were recycled on this host within a day.

Who goes while the server is down can tell nobody else. The ledger of the board is another thing:
it has every crew in it, and an hour.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from zlib import crc32

from bugsly.recycle.board import now

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400.0
MOST = 1_000
"""Departures that are remembered, the latest."""


class Daybook:
    """The departures of workers that report to one place, *whose*."""

    def __init__(self, folder: Path, whose: str) -> None:
        self._file = folder / f"day-{crc32(whose.encode()):08x}"

    def note(self) -> None:
        """Write down that a worker goes, unless the disk is full. Only who has the turn may."""
        left = [*self._left(), now()][-MOST:]
        fresh = self._file.with_suffix(".new")
        with suppress(OSError):
            fresh.write_text("".join(f"{at!r}\n" for at in left), encoding="utf-8")
            fresh.replace(self._file)

    def count(self) -> int:
        """Return how many went within a day; what cannot be read counts as nobody."""
        return len(self._left())

    def _left(self) -> list[float]:
        left: list[float] = []
        with suppress(OSError, ValueError):
            left += map(float, self._file.read_text(encoding="utf-8").splitlines())
        return [at for at in left if 0 <= now() - at < DAY]
