"""Walks all containers that modules refer to, in slices of time, and watches those that grow."""

from __future__ import annotations

import sys
from collections import deque
from time import thread_time
from typing import TYPE_CHECKING, Any

from bugsly.probes.census.census_roots import (
    CensusRoot,
    ModuleRoots,
    applications_by_name,
    flask_packages,
)
from bugsly.probes.census.object_path import ObjectPath
from bugsly.probes.census.references import ReferenceReader
from bugsly.probes.census.watched_containers import ContainerWatcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bugsly.probes.census.callables import ChildEdge
    from bugsly.protocol.evidence import Holder, HolderCount

    Queue = deque[tuple[ObjectPath, CensusRoot, int, Any]]

MIN_ENTRIES = 16
"""Smaller containers are not compared from pass to pass."""
MAX_REMEMBERED_COUNTS = 20_000
"""Containers whose counts are kept from one pass to the next."""
PASSES_PER_FULL_PASS = 8
"""One pass in so many also reads what had no children before."""
BATCH_SIZE = 64
"""Objects that are read between two readings of the clock."""
MAX_DEPTH = 7
"""Steps from a root."""
MAX_QUEUED = 10_000
"""Objects that wait to be read, at any moment of a pass."""
MAX_THINGS_PER_APP_MODULE = 20_000
MAX_THINGS_PER_LIBRARY_MODULE = 4_000
"""Objects that are read below one module."""


class Census:
    """Passes over all containers, one after another; *served* applications come last.

    Between two calls it refers to no object of the application: queued and watched ones are found
    again by their paths.
    """

    def __init__(
        self,
        served: Callable[[], Iterable[object]],
        modules: Mapping[str, Any] = sys.modules,
    ) -> None:
        self._served = served
        self._modules = modules
        self._references = ReferenceReader()
        self._roots = ModuleRoots(modules)
        self._watcher = ContainerWatcher(self._references, self._roots.is_app)
        self._counts: dict[int, int] = {}
        self._new_counts: dict[int, int] = {}
        self._seen: set[int] = set()
        self._allowance: dict[str, int] = {}
        self._queue: Queue = deque()
        self._queued_now = 0
        self._children: list[ChildEdge] | None = None
        self._pass: Iterator[None] | None = None
        self._passes = 0

    @property
    def watched_count(self) -> int:
        """Return how many containers have been watched so far."""
        return self._watcher.admitted

    def work(self, seconds: float) -> bool:
        """Continue the current pass for *seconds* of CPU time; return whether it is complete."""
        deadline = thread_time() + seconds
        if self._pass is None:
            self._begin_pass()
            self._pass = self._walk_all()
        try:
            for _ in self._pass:
                if thread_time() >= deadline:
                    return False
        finally:
            self._release_objects()
        self._pass = None
        self._counts = self._new_counts
        return True

    def _begin_pass(self) -> None:
        """Clear what the pass before left: it may have failed halfway."""
        self._passes += 1
        if self._passes % PASSES_PER_FULL_PASS == 0:
            self._references.forget_known()
        self._queue.clear()
        self._new_counts = {}
        self._seen.clear()

    def count_holders(self) -> Iterable[HolderCount]:
        """Return how many entries the growing holders have now."""
        levels = self._watcher.count_holders(self._resolve_root)
        self._references.release_classes()
        return levels

    def describe_holders(self) -> Iterable[Holder]:
        """Return descriptions of the holders in `count_holders`."""
        return self._watcher.describe_holders()

    def _release_objects(self) -> None:
        self._references.release_classes()
        self._children = None
        for index in range(-min(self._queued_now, len(self._queue)), 0):
            path, root, depth, _ = self._queue[index]
            self._queue[index] = (path, root, depth, None)
        self._queued_now = 0

    def _resolve_root(self, root: str) -> Any:
        found = applications_by_name(self._served()).get(root)
        return self._modules.get(root) if found is None else found

    def _walk_all(self) -> Iterator[None]:
        packages = flask_packages(applications_by_name(self._served()))
        for root in self._roots.modules(packages):
            if root is None:
                yield None
            elif root.is_app:
                self._queue_root(root)
            else:
                yield from self._walk()
                self._queue_root(root)
        yield from self._walk()
        for name in tuple(applications_by_name(self._served())):
            self._queue_root(CensusRoot(name, is_app=True))
            yield from self._walk()
        yield from self._watcher.choose_and_weigh(self._resolve_root)

    def _queue_root(self, root: CensusRoot) -> None:
        self._queue.append((ObjectPath(None, "", root.name), root, 0, None))
        self._allowance[root.name] = (
            MAX_THINGS_PER_APP_MODULE if root.is_app else MAX_THINGS_PER_LIBRARY_MODULE
        )

    def _walk(self) -> Iterator[None]:
        """Read what is queued, nearest to a root first: an object gets its shortest path."""
        while self._queue:
            path, root, depth, thing = self._queue.popleft()
            if self._allowance[root.name] <= 0:
                continue
            if thing is not None:
                self._children = self._references.children(thing, root)
                del thing
            done = 0
            while self._examine(path, root, depth, done):
                done += BATCH_SIZE
                yield None
            self._children = None
            yield None
        self._allowance.clear()

    def _examine(self, path: ObjectPath, root: CensusRoot, depth: int, done: int) -> bool:
        """Read the next batch of what *path* leads to; return whether more is left."""
        if self._children is None:
            thing = path.resolve(self._resolve_root(path.root), self._references.fetch)
            self._children = [] if thing is None else self._references.children(thing, root)
        batch = self._children[done : done + BATCH_SIZE]
        self._allowance[root.name] -= 1 + len(batch)
        for edge, key, child in batch:
            if id(child) in self._seen:
                continue
            self._seen.add(id(child))
            child_path = ObjectPath(path, edge, key)
            count = self._references.count_entries(child)
            if count is not None and count >= MIN_ENTRIES:
                self._compare_count(child_path, count)
            if count != 0 and depth + 1 < MAX_DEPTH and self._references.may_have_children(child):
                self._enqueue(child_path, root, depth + 1, child)
        return done + BATCH_SIZE < len(self._children)

    def _enqueue(self, path: ObjectPath, root: CensusRoot, depth: int, thing: Any) -> None:
        if len(self._queue) < MAX_QUEUED:
            self._queue.append((path, root, depth, thing))
            self._queued_now += 1

    def _compare_count(self, path: ObjectPath, count: int) -> None:
        path_hash = hash(path)
        before = self._counts.get(path_hash)
        if len(self._new_counts) < MAX_REMEMBERED_COUNTS:
            self._new_counts[path_hash] = count
        if before is not None and count > before:
            self._watcher.note_growth(path, before, count)
