"""Watches the containers that the census saw grow, and counts their entries at each sample."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bugsly.introspection.containers import newest_entries
from bugsly.introspection.path_text import shorten
from bugsly.probes.census.canonical_names import canonical_path, display_name, source_file
from bugsly.probes.census.container_description import (
    capacity_limit,
    container_details,
    container_kind,
)
from bugsly.probes.census.distributions import DistributionFinder
from bugsly.probes.census.entry_weight import weigh_entries
from bugsly.protocol.evidence import Holder, HolderCount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bugsly.probes.census.object_path import ObjectPath
    from bugsly.probes.census.references import ReferenceReader

    RootResolver = Callable[[str], Any]

MAX_WATCHED = 40
MAX_CANDIDATES = 200
"""Containers of one pass that are considered."""
MAX_IDLE_SAMPLES = 30
"""Samples without growth after which a container may be replaced by another."""
GROWTH_DECAY = 0.9
"""Factor by which earlier growth counts less in the ranking, per sample."""
ASSUMED_ENTRY_BYTES = 100
"""Assumed size of an entry that has not been weighed."""
REWEIGH_GROWTH = 1.5
"""Factor by which a container has to grow before its entries are weighed again."""
MAX_WATCHED_KEYS = 4
"""Keys of a container that are checked for removal."""


@dataclass(slots=True)
class WatchedContainer:
    """A container that grew, its counts and its description."""

    path: ObjectPath
    count: int
    recent_growth: float
    holder: Holder
    weighed_count: int = 0
    idle_samples: int = 0
    removed: int = 0
    """Entries seen to leave; for an `lru_cache`, its misses less its entries."""
    watched_keys: list[Any] = field(default_factory=list)

    @property
    def importance(self) -> float:
        """Return its rank: the bytes it gained lately."""
        return self.recent_growth * (self.holder.entry_bytes or ASSUMED_ENTRY_BYTES)

    def update_count(self, count: int, body: Any) -> None:
        """Note that it has *count* entries now, in *body*, and count those that left."""
        gone = [key for key in self.watched_keys if not _contains_key(body, key)]
        self.removed += max(self.count - count, len(gone))
        self.watched_keys = [key for key in self.watched_keys if key not in gone]
        if len(self.watched_keys) < MAX_WATCHED_KEYS:
            self.watched_keys = [*{*self.watched_keys, *_newest_plain_keys(body)}][
                :MAX_WATCHED_KEYS
            ]
        gained = max(0, count - self.count)
        self.recent_growth = self.recent_growth * GROWTH_DECAY + gained
        self.idle_samples = 0 if gained else self.idle_samples + 1
        self.count = count


class ContainerWatcher:
    """Watches up to `MAX_WATCHED` containers; one that stops growing makes room for one that grows.

    *is_app_root* returns whether a root is the application's.
    """

    def __init__(self, references: ReferenceReader, is_app_root: Callable[[str], bool]) -> None:
        self._references = references
        self._is_app_root = is_app_root
        self._distributions = DistributionFinder()
        self._candidates: dict[ObjectPath, tuple[int, int]] = {}
        self._watched: dict[ObjectPath, WatchedContainer] = {}
        self._canonical_paths: dict[ObjectPath, ObjectPath] = {}
        self.admitted = 0

    def note_growth(self, path: ObjectPath, before: int, count: int) -> None:
        """Note that the container at *path* grew since the last pass."""
        if len(self._candidates) < MAX_CANDIDATES or path in self._watched:
            self._candidates[path] = (before, count)

    def choose_and_weigh(self, resolve_root: RootResolver) -> Iterator[None]:
        """Choose at the end of a pass what to watch, and weigh it; yield after each container."""
        candidates, self._candidates = self._candidates, {}
        for path, (before, count) in sorted(
            candidates.items(), key=lambda candidate: candidate[1][0] - candidate[1][1]
        ):
            canonical = self._canonical_path(path, resolve_root)
            if canonical not in self._watched:
                self._start_watching(
                    canonical, self._unique_name(canonical, resolve_root), before, count
                )
            yield None
        for watched in list(self._watched.values()):
            if not watched.weighed_count or watched.count > watched.weighed_count * REWEIGH_GROWTH:
                self._describe_container(watched, resolve_root)
                yield None

    def count_holders(self, resolve_root: RootResolver) -> tuple[HolderCount, ...]:
        """Count the watched containers that have been weighed."""
        for watched in self._watched.values():
            thing = self._resolve(watched.path, resolve_root)
            watched.update_count(
                self._references.count_entries(thing) or 0, self._references.container_of(thing)
            )
            details = container_details(thing)
            removed = max(watched.removed, details.get("misses", 0) - watched.count)
            watched.holder = replace(watched.holder, removed=removed, details=details)
        return tuple(
            HolderCount(holder=watched.holder.name, count=watched.count)
            for watched in self._watched.values()
            if watched.weighed_count
        )

    def describe_holders(self) -> tuple[Holder, ...]:
        """Describe these containers, as of their last count."""
        return tuple(watched.holder for watched in self._watched.values() if watched.weighed_count)

    def _resolve(self, path: ObjectPath, resolve_root: RootResolver) -> Any:
        return path.resolve(resolve_root(path.root), self._references.fetch)

    def _canonical_path(self, path: ObjectPath, resolve_root: RootResolver) -> ObjectPath:
        if len(self._canonical_paths) > MAX_CANDIDATES:
            self._canonical_paths.clear()
        found = self._canonical_paths.get(path)
        if found is None:
            found = canonical_path(path, resolve_root(path.root), self._references.fetch)
            self._canonical_paths[path] = found
        return found

    def _unique_name(self, path: ObjectPath, resolve_root: RootResolver) -> str:
        name = display_name(path, resolve_root(path.root), self._references.fetch)
        taken = any(watched.holder.name == name for watched in self._watched.values())
        return shorten(path.text) if taken else name

    def _start_watching(self, path: ObjectPath, name: str, before: int, count: int) -> None:
        """Watch *path* if there is room, or instead of a less important container."""
        newcomer = WatchedContainer(path, count, count - before, Holder(name=name, kind=""))
        if len(self._watched) >= MAX_WATCHED:
            least = min(
                self._watched.values(),
                key=lambda watched: (watched.idle_samples < MAX_IDLE_SAMPLES, watched.importance),
            )
            if least.idle_samples < MAX_IDLE_SAMPLES and least.importance * 2 > newcomer.importance:
                return
            del self._watched[least.path]
        self._watched[path] = newcomer
        self.admitted += 1

    def _describe_container(self, watched: WatchedContainer, resolve_root: RootResolver) -> None:
        thing = self._resolve(watched.path, resolve_root)
        if self._references.count_entries(thing) is None:
            return
        parent = watched.path.parent
        owner = None if parent is None else self._resolve(parent, resolve_root)
        weight = weigh_entries(self._references.container_of(thing), watched.count)
        is_app = self._is_app_root(watched.path.root)
        file = source_file(resolve_root(watched.path.root))
        watched.weighed_count = max(1, watched.count)
        watched.holder = replace(
            watched.holder,
            kind=container_kind(thing),
            bound=capacity_limit(thing, owner, watched.count, self._references, is_app=is_app),
            entry_bytes=weight.bytes,
            entry=weight.entry,
            file=file,
            library="" if is_app else self._distributions.distribution_of(file),
        )


def _newest_plain_keys(body: Any) -> list[Any]:
    """Return keys of the newest entries that are plain strings and numbers."""
    pairs = issubclass(type(body), dict)
    if not pairs and not issubclass(type(body), set):
        return []
    keys = [entry[0] if pairs else entry for entry in newest_entries(body, MAX_WATCHED_KEYS)]
    return [key for key in keys if type(key) is int or (type(key) is str and len(key) < 200)]


def _contains_key(body: Any, key: Any) -> bool:
    if issubclass(type(body), dict):
        return dict.__contains__(body, key)
    return issubclass(type(body), set) and set.__contains__(body, key)
