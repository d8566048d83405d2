"""Starts and asks a process that reads items; one that ends is started anew."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO

import msgspec

from bugsly_server.errors import Unavailable
from bugsly_server.ingest import limits
from bugsly_server.ingest.item_reading import ItemToRead, ReadItem
from bugsly_server.ingest.reading_child import ReadingOrder, read_frame, write_frame

LOG = logging.getLogger("bugsly")
CHILD_MODULE = "bugsly_server.ingest.reading_child"
PASSED_VARIABLES = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "TZ")
IDLE_SECONDS = 60.0
"""After which a process that has nothing to read is ended."""
MAX_LAST_WORDS = 200


@dataclass(frozen=True, slots=True)
class _Request:
    order: ReadingOrder
    future: asyncio.Future[ReadItem | None]

    def answer(self, result: ReadItem | Unavailable | None) -> None:
        """Settle the future on its loop, unless the client has gone."""
        loop = self.future.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._settle, result)

    def _settle(self, result: ReadItem | Unavailable | None) -> None:
        if self.future.done():
            return
        if isinstance(result, Unavailable):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


class ReadingProcess:
    """One process, started with its first item; a thread hands it one item after another."""

    def __init__(self, niceness: int, max_waiting: int) -> None:
        self._niceness = niceness
        self._max_waiting = max_waiting
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._child: subprocess.Popen[bytes] | None = None
        self._is_closing = False
        self._thread = threading.Thread(target=self._serve, name="item reader", daemon=True)
        self._thread.start()

    def read(self, item: ItemToRead, cpu_seconds: float) -> asyncio.Future[ReadItem | None]:
        """Return a future of the running loop: what came of *item*.

        It is None where the process ended over it. Raises `Unavailable` where too many wait, and
        the future does where no process can be started.
        """
        if self._requests.qsize() >= self._max_waiting:
            raise Unavailable(
                "server: more waits than it can read → it takes more soon", limits.PAUSE_SECONDS
            )
        future = asyncio.get_running_loop().create_future()
        self._requests.put(_Request(ReadingOrder(item, cpu_seconds), future))
        return future

    def close(self) -> None:
        """End the process, whatever it reads."""
        self._is_closing = True
        if self._child is not None:
            self._child.kill()
        self._requests.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                request = self._requests.get(timeout=IDLE_SECONDS if self._child else None)
            except queue.Empty:
                self._end_child()
                continue
            if request is None or self._is_closing:
                self._end_child()
                return
            try:
                request.answer(self._read(request.order))
            except Unavailable as problem:
                request.answer(problem)
            except Exception as error:  # noqa: BLE001 - without this thread nothing would be read any more
                self._end_child()
                LOG.warning("%s item: cannot be handed over (%s)", request.order.item.type, error)
                request.answer(Unavailable("server: cannot be read now → send it again later"))

    def _read(self, order: ReadingOrder) -> ReadItem | None:
        """Return what came of an item; None where the process ended over it."""
        child = self._running_child()
        try:
            write_frame(_opened(child.stdin), msgspec.msgpack.encode(order))
            reply = read_frame(_opened(child.stdout))
        except BrokenPipeError:
            reply = None
        if reply is not None:
            return msgspec.msgpack.decode(reply, type=ReadItem)
        reason = self._end_child()
        if not self._is_closing:
            size = len(order.item.payload)
            LOG.warning("%s item of %d bytes: %s → it is not kept", order.item.type, size, reason)
        return None

    def _running_child(self) -> subprocess.Popen[bytes]:
        """Return the process, started if need be; raise `Unavailable` where that fails."""
        if self._child is not None and self._child.poll() is not None:
            self._end_child()
        if self._child is None:
            try:
                self._child = self._start_child()
            except OSError as error:
                raise _cannot_start(error.strerror) from None
            if read_frame(_opened(self._child.stdout)) is None:
                raise _cannot_start(self._end_child())
        return self._child

    def _start_child(self) -> subprocess.Popen[bytes]:
        passed = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
        return subprocess.Popen(  # noqa: S603 - nothing in it comes from outside
            [sys.executable, "-P", "-B", "-m", CHILD_MODULE, str(self._niceness)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**passed, "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )

    def _end_child(self) -> str:
        """End the process, which has nothing to do, or ended itself; return how it ended."""
        if self._child is None:
            return ""
        self._child.kill()
        last_words = self._child.communicate()[1][-MAX_LAST_WORDS:].decode(errors="replace")
        code, self._child = self._child.returncode, None
        return f"its reader ended with code {code} {' '.join(last_words.split())}".rstrip()


def _cannot_start(reason: str | None) -> Unavailable:
    return Unavailable(
        f"server: cannot start the process that removes secrets ({reason}) → send it again later"
    )


def _opened(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None, "the child is started with pipes"
    return stream
