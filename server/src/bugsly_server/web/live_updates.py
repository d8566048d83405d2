"""Notifies open pages that a project has new data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

HEARTBEAT_SECONDS = 15.0
"""Interval of comments that keep proxies from closing an idle stream."""
MIN_INTERVAL_SECONDS = 1.0
"""Minimum interval between two events of one stream."""


class LiveUpdates:
    """Wakes the open streams of a project; each stream waits on its own event."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wakeups: dict[asyncio.Event, int] = {}
        self._closed = False

    def bind_loop(self) -> None:
        """Use the running event loop."""
        self._loop = asyncio.get_running_loop()

    def publish(self, project_ids: set[int]) -> None:
        """Wake the streams of *project_ids*; callable from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, project_ids)

    @property
    def is_closed(self) -> bool:
        """Return whether the server is shutting down."""
        return self._closed

    def close(self) -> None:
        """End every stream, so that the server can shut down."""
        self._closed = True
        for wakeup in self._wakeups:
            wakeup.set()

    async def stream(self, project_id: int) -> AsyncIterator[str]:
        """Yield server-sent events: `tick` when there is new data, else a comment."""
        wakeup = asyncio.Event()
        self._wakeups[wakeup] = project_id
        try:
            yield "retry: 2000\nevent: tick\ndata: \n\n"
            while not self._closed:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wakeup.wait(), HEARTBEAT_SECONDS)
                has_update = wakeup.is_set()
                wakeup.clear()
                yield "event: tick\ndata: \n\n" if has_update else ":\n\n"
                await asyncio.sleep(MIN_INTERVAL_SECONDS)
        finally:
            del self._wakeups[wakeup]

    def _wake(self, project_ids: set[int]) -> None:
        for wakeup, project_id in self._wakeups.items():
            if project_id in project_ids:
                wakeup.set()
