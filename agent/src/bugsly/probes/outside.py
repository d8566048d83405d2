"""Counts what a worker leaves outside of itself: child processes, and files that lie in memory."""

from __future__ import annotations

import os
import re
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from bugsly.probes.grown import Counted
from bugsly.protocol.evidence import Holder

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 2_000
"""Children, and entries of a folder, that are looked at."""
LOOKED_AT = 20
"""Children of a name whose state is read."""
SHARED = "/dev/shm"  # noqa: S108 - it is only listed
DIGITS = re.compile(r"\d+")
STATE = re.compile(rb"\d+ \((?P<name>.*)\) (?P<state>\S)", re.DOTALL)
"""The beginning of /proc/<pid>/stat; a name may hold anything."""
ZOMBIE = b"Z"


class Children:
    """The child processes of this one. Their names are read once, for there may be many."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def count(self) -> dict[str, Counted]:
        """Return how many there are, by name; nothing where there is no /proc."""
        pids = _pids()[:MOST]
        known = self._names
        self._names = {pid: known.get(pid) or _stat(pid)[0] for pid in pids}
        named: dict[str, list[str]] = {}
        for pid, name in self._names.items():
            named.setdefault(name, []).append(pid)
        return {
            f"child processes named {name}": Counted(len(same), partial(_describe_children, same))
            for name, same in named.items()
            if name
        }


def count_shared_files() -> dict[str, Counted]:
    """Return how many files lie in shared memory, by name but for digits."""
    files = Counter(_shared())
    return {
        f"files like {SHARED}/{name}": Counted(count, _describe_files)
        for name, count in files.items()
    }


def _describe_children(pids: list[str], name: str) -> Holder:
    """Describe them, and tell how many of the oldest have ended, and nobody has waited for them."""
    ended = sum(_stat(pid)[1] == ZOMBIE for pid in pids[:LOOKED_AT])
    details = {"ended_unread": ended} if ended else {}
    return Holder(name=name, kind="outside", entry="process", details=details)


def _describe_files(name: str) -> Holder:
    return Holder(name=name, kind="outside", entry="file in memory")


def _stat(pid: str) -> tuple[str, bytes]:
    """Return name and state of a process, empty where it is gone."""
    with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - no pathlib here
        told = STATE.match(file.read())
        if told is not None:
            return told["name"].decode(errors="replace"), told["state"]
    return "", b""


def _pids() -> list[str]:
    """Return the children of all threads, as the kernel lists them."""
    found = []
    with suppress(OSError):
        for thread in os.listdir("/proc/self/task")[:MOST]:  # noqa: PTH208 - as above
            path = f"/proc/self/task/{thread}/children"
            with suppress(OSError), open(path, encoding="ascii") as file:  # noqa: PTH123 - as above
                found += file.read().split()
    return found


def _shared() -> Iterator[str]:
    with suppress(OSError):
        for name in os.listdir(SHARED)[:MOST]:  # noqa: PTH208 - as above
            yield DIGITS.sub("#", name)
