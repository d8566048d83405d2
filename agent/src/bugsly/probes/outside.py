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
SHARED = "/dev/shm"  # noqa: S108 - it is only listed
DIGITS = re.compile(r"\d+")
STATE = re.compile(rb"\d+ \((?P<name>.*)\) (?P<state>\S)", re.DOTALL)
"""The beginning of /proc/<pid>/stat; a name may hold anything."""
ZOMBIE = b"Z"


def count_children() -> dict[str, Counted]:
    """Return how many child processes this one has, by name; nothing where there is no /proc."""
    alive: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    for name, state in _children():
        (ended if state == ZOMBIE else alive)[name] += 1
    return {
        f"child processes named {name}": Counted(
            alive[name] + ended[name], partial(_describe, "process", ended_unread=ended[name])
        )
        for name in alive | ended
    }


def count_shared_files() -> dict[str, Counted]:
    """Return how many files of this user lie in shared memory, by name but for digits."""
    mine = Counter(_shared())
    return {
        f"files like {SHARED}/{name}": Counted(count, partial(_describe, "file in memory"))
        for name, count in mine.items()
    }


def _describe(entry: str, name: str, **details: int) -> Holder:
    told = {what: count for what, count in details.items() if count}
    return Holder(name=name, kind="outside", entry=entry, details=told)


def _children() -> Iterator[tuple[str, bytes]]:
    for pid in _pids()[:MOST]:
        with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - no pathlib here
            told = STATE.match(file.read())
            if told is not None:
                yield told["name"].decode(errors="replace"), told["state"]


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
    user = os.geteuid()
    with suppress(OSError), os.scandir(SHARED) as entries:
        for _, entry in zip(range(MOST), entries, strict=False):
            with suppress(OSError):
                if entry.stat(follow_symlinks=False).st_uid == user:
                    yield DIGITS.sub("#", entry.name)
