"""Counts open files by where they lie, and open sockets by the port at their other end."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bugsly.probes.grown import Counted
from bugsly.protocol.evidence import Holder

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 4_000
"""Descriptors that are looked at."""
FEW_SOCKETS = 8
"""Fewer are not told apart: that takes a table of the whole network namespace."""
MOST_TABLE = 1_000_000
"""Bytes of that table that are read."""
CLOSE_WAIT = "08"
EPHEMERAL = 32_768
"""Ports from here on are a client's own."""
SOCKET = re.compile(r"socket:\[(\d+)\]")
DIGIT = re.compile(r"[^/]*\d[^/]*")


def count_descriptors() -> dict[str, Counted]:
    """Return how many are open now, by what they are; nothing where there is no /proc."""
    targets = list(_targets())
    sockets = [found[1] for target in targets if (found := SOCKET.fullmatch(target))]
    files = Counter(_pattern(target) for target in targets if target.startswith("/"))
    counted = {
        f"open files like {pattern}": Counted(count, partial(_describe, "file", 0))
        for pattern, count in files.items()
    }
    peers = _peers() if len(sockets) >= FEW_SOCKETS else {}
    ports = Counter(_port(peers.get(inode)) for inode in sockets)
    waiting = Counter(_port(peers.get(one)) for one in sockets if _is_waiting(peers.get(one)))
    for port, count in ports.items():
        name = f"open sockets {port}".strip()
        counted[name] = Counted(count, partial(_describe, "socket", waiting[port]))
    return counted


def _describe(entry: str, waiting: int, name: str) -> Holder:
    details = {"close_wait": waiting} if waiting else {}
    return Holder(name=name, kind="descriptor", entry=entry, details=details)


def _targets() -> Iterator[str]:
    """Yield what the descriptors of this process point to."""
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd")[:MOST]:  # noqa: PTH208 - thousands of paths
            with suppress(OSError):
                yield os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115 - as above


def _pattern(path: str) -> str:
    """Return where the file lies and its ending, with a star for what has a number in it."""
    folder, name = os.path.split(path.removesuffix(" (deleted)"))
    temporary = tempfile.gettempdir()
    if folder.startswith(temporary):
        folder = temporary
    return f"{DIGIT.sub('*', folder)}/*{os.path.splitext(name)[1]}"  # noqa: PTH122 - as above


def _peers() -> dict[str, tuple[int, str]]:
    """Return the remote port and the state of the TCP sockets around here, by inode."""
    peers = {}
    for table in ("tcp", "tcp6"):
        with suppress(OSError), Path(f"/proc/self/net/{table}").open("rb") as lines:
            rows = [row.split() for row in lines.read(MOST_TABLE).decode().splitlines()[1:]]
            peers.update({row[9]: (int(row[2][-4:], 16), row[3]) for row in rows if len(row) > 9})
    return peers


def _port(peer: tuple[int, str] | None) -> str:
    if peer is None:
        return ""
    return f"to port {peer[0]}" if 0 < peer[0] < EPHEMERAL else "of clients"


def _is_waiting(peer: tuple[int, str] | None) -> bool:
    return peer is not None and peer[1] == CLOSE_WAIT
