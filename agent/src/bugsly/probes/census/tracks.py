"""The containers that were seen to grow: followed by their path, counted at each sample."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bugsly.probes.census.containers import newest
from bugsly.probes.census.describe import bound_of, details_of, kind_of
from bugsly.probes.census.library import Libraries
from bugsly.probes.census.naming import best_path, file_of, name_of
from bugsly.probes.census.path import shortened
from bugsly.probes.census.weigh import weigh
from bugsly.protocol.evidence import Holder, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bugsly.probes.census.path import Path
    from bugsly.probes.census.reach import Reach

    ThingOf = Callable[[str], Any]

MOST = 40
MOST_NOTED = 200
"""Newcomers of one pass that are considered."""
PATIENCE = 30
"""Samples without growth after which a track may be dropped for another."""
FADING = 0.9
"""What is left of the growth of a sample at the next one, in the ranking."""
SUPPOSED = 100
"""Bytes of an entry that was not weighed yet."""
WEIGHED_AGAIN = 1.5
"""How many times more entries a container has to have before they are weighed again."""
KEYS = 4
"""Keys of a container that are watched for leaving."""


@dataclass(slots=True)
class Track:
    """A container that grew, and what was seen of it."""

    path: Path
    count: int
    recent: float
    holder: Holder
    weighed: int = 0
    idle: int = 0
    removed: int = 0
    """Seen to leave; of a cache of a function, what it missed and does not hold is counted."""
    keys: list[Any] = field(default_factory=list)

    @property
    def worth(self) -> float:
        """Return how much it matters: what it gained lately, in bytes."""
        return self.recent * (self.holder.entry_bytes or SUPPOSED)

    def counted(self, count: int, body: Any) -> None:
        """Note that it holds *count* entries now, in *body*; see what left it since."""
        gone = [key for key in self.keys if not _holds(body, key)]
        self.removed += max(self.count - count, len(gone))
        self.keys = [key for key in self.keys if key not in gone]
        if len(self.keys) < KEYS:
            self.keys = [*{*self.keys, *_keys(body)}][:KEYS]
        gained = max(0, count - self.count)
        self.recent = self.recent * FADING + gained
        self.idle = 0 if gained else self.idle + 1
        self.count = count


class Tracks:
    """Up to `MOST` tracks; one that does not grow any more makes room for one that does.

    *is_own* tells of a root whether it is the application's.
    """

    def __init__(self, reach: Reach, is_own: Callable[[str], bool]) -> None:
        self._reach = reach
        self._is_own = is_own
        self._libraries = Libraries()
        self._noted: dict[Path, tuple[int, int]] = {}
        self._tracks: dict[Path, Track] = {}
        self._names: dict[Path, Path] = {}
        self.admitted = 0

    def note(self, path: Path, before: int, count: int) -> None:
        """Note that the container at *path* grew since the pass before."""
        if len(self._noted) < MOST_NOTED or path in self._tracks:
            self._noted[path] = (before, count)

    def settle(self, thing_of: ThingOf) -> Iterator[None]:
        """Decide, at the end of a pass, what is followed; weigh what is, step by step."""
        noted, self._noted = self._noted, {}
        for path, (before, count) in sorted(noted.items(), key=lambda one: one[1][0] - one[1][1]):
            better = self._best(path, thing_of)
            if better not in self._tracks:
                self._admit(better, self._name(better, thing_of), before, count)
            yield None
        for track in list(self._tracks.values()):
            if not track.weighed or track.count > track.weighed * WEIGHED_AGAIN:
                self._describe(track, thing_of)
                yield None

    def levels(self, thing_of: ThingOf) -> tuple[Level, ...]:
        """Count what is followed, as far as it was weighed."""
        for track in self._tracks.values():
            thing = self._at(track.path, thing_of)
            track.counted(self._reach.count(thing) or 0, self._reach.body(thing))
            details = details_of(thing)
            removed = max(track.removed, details.get("misses", 0) - track.count)
            track.holder = replace(track.holder, removed=removed, details=details)
        return tuple(
            Level(holder=track.holder.name, count=track.count)
            for track in self._tracks.values()
            if track.weighed
        )

    def holders(self) -> tuple[Holder, ...]:
        """Describe what is followed, as it was when it was counted last."""
        return tuple(track.holder for track in self._tracks.values() if track.weighed)

    def _at(self, path: Path, thing_of: ThingOf) -> Any:
        return path.follow(thing_of(path.root), self._reach.fetch)

    def _best(self, path: Path, thing_of: ThingOf) -> Path:
        if len(self._names) > MOST_NOTED:
            self._names.clear()
        found = self._names.get(path)
        if found is None:
            found = best_path(path, thing_of(path.root), self._reach.fetch)
            self._names[path] = found
        return found

    def _name(self, path: Path, thing_of: ThingOf) -> str:
        name = name_of(path, thing_of(path.root), self._reach.fetch)
        taken = any(track.holder.name == name for track in self._tracks.values())
        return shortened(path.text) if taken else name

    def _admit(self, path: Path, name: str, before: int, count: int) -> None:
        """Follow *path*, where there is room or something that matters less."""
        fresh = Track(path, count, count - before, Holder(name=name, kind=""))
        if len(self._tracks) >= MOST:
            least = min(self._tracks.values(), key=lambda one: (one.idle < PATIENCE, one.worth))
            if least.idle < PATIENCE and least.worth * 2 > fresh.worth:
                return
            del self._tracks[least.path]
        self._tracks[path] = fresh
        self.admitted += 1

    def _describe(self, track: Track, thing_of: ThingOf) -> None:
        thing = self._at(track.path, thing_of)
        if self._reach.count(thing) is None:
            return
        before = track.path.before
        owner = None if before is None else self._at(before, thing_of)
        weight = weigh(self._reach.body(thing), track.count)
        own = self._is_own(track.path.root)
        file = file_of(thing_of(track.path.root))
        track.weighed = max(1, track.count)
        track.holder = replace(
            track.holder,
            kind=kind_of(thing),
            bound=bound_of(thing, owner, track.count, self._reach, own=own),
            entry_bytes=weight.bytes,
            entry=weight.entry,
            file=file,
            library="" if own else self._libraries.of(file),
        )


def _keys(body: Any) -> list[Any]:
    """Return plain keys of the newest entries, which are no object of the application's."""
    pairs = issubclass(type(body), dict)
    if not pairs and not issubclass(type(body), set):
        return []
    keys = [entry[0] if pairs else entry for entry in newest(body, KEYS)]
    return [key for key in keys if type(key) is int or (type(key) is str and len(key) < 200)]


def _holds(body: Any, key: Any) -> bool:
    if issubclass(type(body), dict):
        return dict.__contains__(body, key)
    return issubclass(type(body), set) and set.__contains__(body, key)
