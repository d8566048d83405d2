"""Walks everything reachable from modules in slices of time, and follows what grows."""

from __future__ import annotations

import sys
from collections import deque
from time import thread_time
from typing import TYPE_CHECKING, Any

from bugsly.probes.census.path import Path
from bugsly.probes.census.reach import Reach
from bugsly.probes.census.roots import Root, Roots, apps, packages_of
from bugsly.probes.census.tracks import Tracks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from bugsly.probes.census.callables import Child
    from bugsly.protocol.evidence import Holder, Level

    Waiting = deque[tuple[Path, Root, int, Any]]

SMALLEST = 16
"""Containers of fewer entries are not remembered from pass to pass."""
MOST_COUNTS = 20_000
"""Containers that are remembered from pass to pass."""
REMINDER = 8
"""Passes after which everything is looked at again, whether it led anywhere before or not."""
AT_ONCE = 64
"""Things that are looked at between two looks at the clock."""
DEEPEST = 7
"""Steps from a root."""
MOST_WAITING = 10_000
"""Things that wait to be looked into, at any moment of a pass."""
OWN_ALLOWANCE = 20_000
LIBRARY_ALLOWANCE = 4_000
"""How many things are looked at below one module."""


class Census:
    """Passes over all containers, one after the other, those of *served* applications last.

    Between two calls it refers to nothing of the application's: what waits, and what is followed,
    is found again by its path.
    """

    def __init__(
        self,
        served: Callable[[], Iterable[object]],
        modules: Mapping[str, Any] = sys.modules,
    ) -> None:
        self._served = served
        self._modules = modules
        self._reach = Reach()
        self._roots = Roots(modules)
        self._tracks = Tracks(self._reach, self._roots.is_own)
        self._counts: dict[int, int] = {}
        self._fresh: dict[int, int] = {}
        self._seen: set[int] = set()
        self._left: dict[str, int] = {}
        self._waiting: Waiting = deque()
        self._added = 0
        self._children: list[Child] | None = None
        self._pass: Iterator[None] | None = None
        self._passes = 0

    @property
    def followed(self) -> int:
        """Return how many containers were found worth following so far."""
        return self._tracks.admitted

    def work(self, seconds: float) -> bool:
        """Go on with the present pass for *seconds* of CPU; return whether it came to its end."""
        until = thread_time() + seconds
        if self._pass is None:
            self._begin_pass()
            self._pass = self._walk_all()
        try:
            for _ in self._pass:
                if thread_time() >= until:
                    return False
        finally:
            self._let_go()
        self._pass = None
        self._counts = self._fresh
        return True

    def _begin_pass(self) -> None:
        """Forget what an earlier pass left, which may have failed in the middle."""
        self._passes += 1
        if self._passes % REMINDER == 0:
            self._reach.look_again()
        self._waiting.clear()
        self._fresh = {}
        self._seen.clear()

    def levels(self) -> Iterable[Level]:
        """Return how much the growing holders hold at this moment."""
        levels = self._tracks.levels(self._thing_of)
        self._reach.forget()
        return levels

    def holders(self) -> Iterable[Holder]:
        """Return what is known of the holders in `levels`."""
        return self._tracks.holders()

    def _let_go(self) -> None:
        self._reach.forget()
        self._children = None
        for index in range(-min(self._added, len(self._waiting)), 0):
            path, root, deep, _ = self._waiting[index]
            self._waiting[index] = (path, root, deep, None)
        self._added = 0

    def _thing_of(self, root: str) -> Any:
        found = apps(self._served()).get(root)
        return self._modules.get(root) if found is None else found

    def _walk_all(self) -> Iterator[None]:
        packages = packages_of(apps(self._served()))
        for root in self._roots.modules(packages):
            if root is None:
                yield None
            elif root.own:
                self._begin(root)
            else:
                yield from self._walk()
                self._begin(root)
        yield from self._walk()
        for name in tuple(apps(self._served())):
            self._begin(Root(name, own=True))
            yield from self._walk()
        yield from self._tracks.settle(self._thing_of)

    def _begin(self, root: Root) -> None:
        self._waiting.append((Path(None, "", root.name), root, 0, None))
        self._left[root.name] = OWN_ALLOWANCE if root.own else LIBRARY_ALLOWANCE

    def _walk(self) -> Iterator[None]:
        """Go through what waits, nearest first: so the shortest way gives a thing its name."""
        while self._waiting:
            path, root, deep, thing = self._waiting.popleft()
            if self._left[root.name] <= 0:
                continue
            if thing is not None:
                self._children = self._reach.children(thing, root)
                del thing
            done = 0
            while self._look(path, root, deep, done):
                done += AT_ONCE
                yield None
            self._children = None
            yield None
        self._left.clear()

    def _look(self, path: Path, root: Root, deep: int, done: int) -> bool:
        """Look at some more of what *path* leads to; return whether there is more to look at."""
        if self._children is None:
            thing = path.follow(self._thing_of(path.root), self._reach.fetch)
            self._children = [] if thing is None else self._reach.children(thing, root)
        some = self._children[done : done + AT_ONCE]
        self._left[root.name] -= 1 + len(some)
        for how, key, child in some:
            if id(child) in self._seen:
                continue
            self._seen.add(id(child))
            here = Path(path, how, key)
            count = self._reach.count(child)
            if count is not None and count >= SMALLEST:
                self._compare(here, count)
            if count != 0 and deep + 1 < DEEPEST and self._reach.leads(child):
                self._wait(here, root, deep + 1, child)
        return done + AT_ONCE < len(self._children)

    def _wait(self, path: Path, root: Root, deep: int, thing: Any) -> None:
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append((path, root, deep, thing))
            self._added += 1

    def _compare(self, path: Path, count: int) -> None:
        mark = hash(path)
        before = self._counts.get(mark)
        if len(self._fresh) < MOST_COUNTS:
            self._fresh[mark] = count
        if before is not None and count > before:
            self._tracks.note(path, before, count)
