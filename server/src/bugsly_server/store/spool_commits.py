"""What waits for the next commit of the spool, and who is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from bugsly_server.errors import Unavailable
from bugsly_server.store.ports import SpoolEntry


@dataclass(slots=True)
class CommitRequest:
    """Entries to add in the next commit, which also deletes what is digested."""

    entries: Sequence[SpoolEntry] = ()
    future: asyncio.Future[None] | None = None
    erased: Sequence[int] = ()
    """Ids of entries to delete; the file is written anew then."""
    erasure: Future[None] | None = None


@dataclass(slots=True)
class _Waiters:
    """The futures of one event loop that a commit settles."""

    futures: list[asyncio.Future[None]] = field(default_factory=list)

    def settle(self, problem: Unavailable | None) -> None:
        for future in self.futures:
            if future.done():
                continue
            if problem is None:
                future.set_result(None)
            else:
                future.set_exception(problem)


def settle_futures(futures: Sequence[asyncio.Future[None]], problem: Unavailable | None) -> None:
    """Wake each loop once for all of its futures."""
    by_loop: dict[asyncio.AbstractEventLoop, _Waiters] = {}
    for future in futures:
        by_loop.setdefault(future.get_loop(), _Waiters()).futures.append(future)
    for loop, waiters in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(waiters.settle, problem)
