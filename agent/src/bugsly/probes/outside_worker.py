"""Counts what a worker leaves outside its process: children, and files in shared memory."""

from __future__ import annotations

import os
import re
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from bugsly.probes.rising_counts import DescribedCount
from bugsly.protocol.evidence import Holder

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LISTED = 2_000
"""Children, and entries of a folder, that are read."""
MAX_STATES_READ = 20
"""Children of a name whose state is read."""
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - it is only listed
DIGITS = re.compile(r"\d+")
STAT_LINE = re.compile(rb"\d+ \((?P<name>.*)\) (?P<state>\S)", re.DOTALL)
"""The beginning of /proc/<pid>/stat; a name may hold anything."""
ZOMBIE_STATE = b"Z"


class ChildProcesses:
    """The child processes of this worker. Each name is read once, because there may be many."""

    def __init__(self) -> None:
        self._name_by_pid: dict[str, str] = {}

    def count_by_name(self) -> dict[str, DescribedCount]:
        """Return how many there are, by name; none without /proc."""
        pids = _child_pids()[:MAX_LISTED]
        known = self._name_by_pid
        self._name_by_pid = {pid: known.get(pid) or _name_and_state(pid)[0] for pid in pids}
        named: dict[str, list[str]] = {}
        for pid, name in self._name_by_pid.items():
            named.setdefault(name, []).append(pid)
        return {
            f"child processes named {name}": DescribedCount(
                len(same), partial(_describe_children, same)
            )
            for name, same in named.items()
            if name
        }


def count_shared_files() -> dict[str, DescribedCount]:
    """Return how many files are in shared memory, by name without digits."""
    files = Counter(_shared_file_patterns())
    return {
        f"files like {SHARED_MEMORY}/{name}": DescribedCount(count, _describe_files)
        for name, count in files.items()
    }


def _describe_children(pids: list[str], name: str) -> Holder:
    """Describe children; count those among the oldest that have ended without being reaped."""
    ended = sum(_name_and_state(pid)[1] == ZOMBIE_STATE for pid in pids[:MAX_STATES_READ])
    details = {"ended_unread": ended} if ended else {}
    return Holder(name=name, kind="outside", entry="process", details=details)


def _describe_files(name: str) -> Holder:
    return Holder(name=name, kind="outside", entry="file in memory")


def _name_and_state(pid: str) -> tuple[str, bytes]:
    """Return name and state of a process, empty if it is gone."""
    with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - no pathlib here
        match = STAT_LINE.match(file.read())
        if match is not None:
            return match["name"].decode(errors="replace"), match["state"]
    return "", b""


def _child_pids() -> list[str]:
    """Return the children of all threads, as the kernel lists them."""
    found = []
    with suppress(OSError):
        for thread in os.listdir("/proc/self/task")[:MAX_LISTED]:  # noqa: PTH208 - as above
            path = f"/proc/self/task/{thread}/children"
            with suppress(OSError), open(path, encoding="ascii") as file:  # noqa: PTH123 - as above
                found += file.read().split()
    return found


def _shared_file_patterns() -> Iterator[str]:
    with suppress(OSError):
        for name in os.listdir(SHARED_MEMORY)[:MAX_LISTED]:  # noqa: PTH208 - as above
            yield DIGITS.sub("#", name)
