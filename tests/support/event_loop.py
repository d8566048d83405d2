"""An event loop on a thread of its own, so that a test stays ordinary code."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")


class ThreadedEventLoop:
    """Runs on its thread what it is given."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result], seconds: float = 30) -> Result:
        """Return what *work* returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def wait_for(self, make: Callable[[], "asyncio.Future[Result]"]) -> Result:
        """Make a future on the loop and return its result."""

        async def wait() -> Result:
            return await make()

        return self.run(wait())

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def running_loop() -> Iterator[ThreadedEventLoop]:
    """Give a running loop for the block."""
    loop = ThreadedEventLoop()
    try:
        yield loop
    finally:
        loop.close()
