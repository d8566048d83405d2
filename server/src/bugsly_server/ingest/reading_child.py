"""Runs as a process of its own: reads items from standard input, and writes what came of them.

A pattern that never ends would hold the interpreter of the server, and with it every request.
Here the kernel ends it: whoever takes more CPU than an item may, or more memory, is killed.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from typing import IO

import msgspec

from bugsly_server.ingest.item_reading import ItemParser, ItemToRead

MAX_DATA_BYTES = 512 * 1024 * 1024
"""Memory of the process; an event of the largest size takes a good half of it."""
SIZE_BYTES = 4
READY = b"ready"
"""Written before the first item is read: whoever ends earlier cannot be blamed on an item."""


class ReadingOrder(msgspec.Struct, frozen=True):
    """An item, and how many seconds of CPU it may take."""

    item: ItemToRead
    cpu_seconds: float


def write_frame(stream: IO[bytes], content: bytes) -> None:
    """Write *content* with its size in front."""
    stream.write(len(content).to_bytes(SIZE_BYTES, "big"))
    stream.write(content)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return the content of the next frame; None where the stream ends before its end."""
    size = stream.read(SIZE_BYTES)
    if len(size) < SIZE_BYTES:
        return None
    length = int.from_bytes(size, "big")
    content = stream.read(length)
    return content if len(content) == length else None


def main() -> None:
    """Read items until the input ends; the first argument is how nice to be to other processes."""
    os.nice(int(sys.argv[1]))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard_limit = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if not 0 <= hard_limit < MAX_DATA_BYTES:
        resource.setrlimit(resource.RLIMIT_DATA, (MAX_DATA_BYTES, hard_limit))
    sys.tracebacklimit = 0
    decoder, parser = msgspec.msgpack.Decoder(ReadingOrder), ItemParser()
    write_frame(sys.stdout.buffer, READY)
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        order = decoder.decode(frame)
        signal.setitimer(signal.ITIMER_PROF, order.cpu_seconds)
        began_at = time.process_time()
        read = parser.read(order.item)
        signal.setitimer(signal.ITIMER_PROF, 0)
        spent = time.process_time() - began_at
        reply = msgspec.structs.replace(read, cpu_seconds=spent)
        write_frame(sys.stdout.buffer, msgspec.msgpack.encode(reply))


if __name__ == "__main__":
    main()
