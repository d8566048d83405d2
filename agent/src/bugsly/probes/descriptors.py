"""Counts open files by folder and extension, and open sockets by the port of their peer."""

from __future__ import annotations

import os
import re
import socket
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bugsly.probes.rising_counts import DescribedCount
from bugsly.protocol.evidence import Holder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bugsly.probes.collected_files import CollectedFiles

MAX_DESCRIPTORS = 4_000
"""Descriptors that are read."""
TCP_INFO = 11
CLOSE_WAIT = 8
"""The peer has closed the connection, this process has not."""
FIRST_EPHEMERAL_PORT = 32_768
"""The first port that the kernel gives to clients."""
MAX_SOCKADDR_BYTES = 28
"""Size of the longest socket address that has a port."""
MEMFD_PREFIX = "/memfd:"
PATH_PART_WITH_DIGIT = re.compile(r"(?<![^/])[^/\d]*\d[^/]*")


class SocketPeer(NamedTuple):
    """The peer of a socket."""

    port: str
    is_close_wait: bool


def count_open_files() -> Counter[str]:
    """Return how many files are open, by folder and extension."""
    return _count_file_patterns(dict(_targets()))


def count_open_descriptors(collected_files: CollectedFiles) -> dict[str, DescribedCount]:
    """Return how many descriptors are open, by name of the holder; none without /proc.

    Files that only the collector closed count as open.
    """
    targets = dict(_targets())
    files = collected_files.add_collected(_count_file_patterns(targets))
    counted = {
        f"open files like {pattern}": DescribedCount(
            count, partial(_describe, "file", closed_by_collector=collected_files.closed[pattern])
        )
        for pattern, count in files.items()
    }
    sockets = [number for number, target in targets.items() if target.startswith("socket:")]
    peers = list(map(_peer_reader(), sockets))
    waiting = Counter(peer.port for peer in peers if peer.is_close_wait)
    for port, count in Counter(peer.port for peer in peers).items():
        name = f"open sockets {port}".strip()
        counted[name] = DescribedCount(
            count, partial(_describe, "socket", close_wait=waiting[port])
        )
    return counted


def _describe(entry: str, name: str, **details: int) -> Holder:
    nonzero = {what: count for what, count in details.items() if count}
    return Holder(name=name, kind="descriptor", entry=entry, details=nonzero)


def _count_file_patterns(targets: Mapping[int, str]) -> Counter[str]:
    files = [target for target in targets.values() if target.startswith("/")]
    temporary = _temporary_folder()
    return Counter(_pattern(file, temporary) for file in files)


def _targets() -> Iterator[tuple[int, str]]:
    """Yield the descriptors of this process and what they refer to."""
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd")[:MAX_DESCRIPTORS]:  # noqa: PTH208 - thousands of paths
            with suppress(OSError):
                yield int(name), os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115 - as above


def _temporary_folder() -> str:
    """Return the folder for temporary files, or a name that no folder has."""
    try:
        return tempfile.gettempdir()
    except OSError:
        return "\0"


def _pattern(path: str, temporary: str) -> str:
    """Return folder and extension, with `*` for each folder that has a digit in its name.

    Files in subfolders of *temporary* count as being in it.
    """
    if path.startswith(MEMFD_PREFIX):
        return f"{MEMFD_PREFIX}*"
    folder, name = os.path.split(path.removesuffix(" (deleted)"))
    if folder.startswith(temporary):
        folder = temporary
    return f"{PATH_PART_WITH_DIGIT.sub('*', folder)}/*{os.path.splitext(name)[1]}"  # noqa: PTH122 - as above


def _peer_reader() -> Callable[[int], SocketPeer]:
    """Return a function that reads the peer of a socket by its descriptor.

    It calls the C library, because making a socket object of a descriptor may change its mode.
    """
    try:
        import ctypes
    except ImportError:  # Python was built without libffi
        return lambda _descriptor: SocketPeer("", is_close_wait=False)
    library = ctypes.CDLL(None)
    address = (ctypes.c_ubyte * MAX_SOCKADDR_BYTES)()
    state = ctypes.c_ubyte()
    length = ctypes.c_uint()

    def read_peer(descriptor: int) -> SocketPeer:
        length.value = MAX_SOCKADDR_BYTES
        if library.getpeername(descriptor, address, ctypes.byref(length)) != 0:
            return SocketPeer("", is_close_wait=False)
        length.value = 1
        level, option = socket.IPPROTO_TCP, TCP_INFO
        waits = not library.getsockopt(
            descriptor, level, option, ctypes.byref(state), ctypes.byref(length)
        )
        return SocketPeer(_port(bytes(address)), is_close_wait=waits and state.value == CLOSE_WAIT)

    return read_peer


def _port(address: bytes) -> str:
    """Return the port in a `struct sockaddr`, its third and fourth byte, as a text."""
    family = int.from_bytes(address[:2], sys.byteorder)
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return ""
    port = int.from_bytes(address[2:4], "big")
    return f"to port {port}" if port < FIRST_EPHEMERAL_PORT else "of clients"
