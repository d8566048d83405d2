"""Chooses which days of samples and events go when a data folder is too big."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bugsly_server.clock import DAY, Micros


class DatedFile(NamedTuple):
    """A file of samples or events, and the span of time that it holds."""

    path: Path
    begin: Micros
    until: Micros
    size: int


class FolderSizes(NamedTuple):
    """What a data folder holds, in bytes."""

    meta: int
    spool: int
    telemetry: int
    events: int

    @property
    def total(self) -> int:
        """Return the size of all of it."""
        return sum(self)


def measure_folder(folder: Path) -> FolderSizes:
    """Return what the data folder *folder* holds, with the files beside each database."""
    events = folder / "telemetry" / "events"
    in_events = total_size(events.glob("*.db*"))
    return FolderSizes(
        meta=total_size(folder.glob("meta.db*")),
        spool=total_size(folder.glob("spool.db*")),
        telemetry=total_size((folder / "telemetry").rglob("*.db*")) - in_events,
        events=in_events,
    )


def choose_excess(files: Sequence[DatedFile], excess: int, now: Micros) -> list[DatedFile]:
    """Return the files to delete so that *excess* bytes go: few, those that end first.

    The last two days never go. They are counted from the newest file where that is older than
    *now*, so that a clock that jumps ahead deletes nothing that it should not.
    """
    newest_day = min([now, *sorted(one.begin for one in files)[-1:]]) // DAY * DAY
    chosen: list[DatedFile] = []
    for file in sorted(files, key=lambda each: (each.until, -each.size)):
        if excess <= 0 or file.until > newest_day - DAY:
            break
        chosen.append(file)
        excess -= file.size
    return chosen


def total_size(paths: Iterable[Path]) -> int:
    """Return the bytes of *paths*; a file that goes meanwhile has none."""
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total
