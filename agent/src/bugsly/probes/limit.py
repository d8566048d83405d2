"""How much memory there is before the kernel kills: the cgroup's limit, else the host's memory.

cgroup v2 and v1 as in the kernel's admin-guide, cgroup-v2.rst and cgroup-v1/memory.rst.
A limit of any ancestor counts, so the tightest one between this cgroup and the root is taken.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

V2 = Path("/sys/fs/cgroup")
V1 = Path("/sys/fs/cgroup/memory")
NO_LIMIT = 1 << 60
"""v1 says 'no limit' with a number near 2**63."""


class Headroom(NamedTuple):
    """Bytes *used* of *limit*, and the processes killed for want of memory so far."""

    used: int
    limit: int
    oom_kills: int


def read_headroom() -> Headroom:
    """Return what holds for this process: the tightest cgroup, or the whole host."""
    kills = 0
    tightest: tuple[int, int] | None = None
    for group in _cgroups():
        kills = max(kills, group.oom_kills)
        if group.limit < NO_LIMIT and (tightest is None or group.limit < tightest[1]):
            tightest = (group.used, group.limit)
    used, limit = _host()
    if tightest is not None and (not limit or tightest[1] < limit):
        used, limit = tightest
    return Headroom(used, limit, kills)


def _cgroups() -> list[Headroom]:
    folders = (
        _folders(V2, "0::") if (V2 / "cgroup.controllers").exists() else _folders(V1, "memory:")
    )
    read = _v2 if (V2 / "cgroup.controllers").exists() else _v1
    return [group for folder in folders if (group := read(folder)) is not None]


def _folders(root: Path, mark: str) -> list[Path]:
    """Return this process's cgroup folder and its ancestors.

    In a container /proc/self/cgroup may name a path of the host that is not mounted here; then
    the mounted root is the container's own cgroup.
    """
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    named = next((line.split(":", 2)[2] for line in lines if mark in line), "/")
    folder = root / named.lstrip("/")
    folders = [folder, *folder.parents]
    return [one for one in folders if one == root or root in one.parents]


def _v2(folder: Path) -> Headroom | None:
    stat = _table(folder / "memory.stat")
    current = _number(folder / "memory.current")
    if current is None:
        return None
    limit = _number(folder / "memory.max")
    return Headroom(
        used=max(0, current - stat.get("inactive_file", 0)),
        limit=NO_LIMIT if limit is None else limit,
        oom_kills=_table(folder / "memory.events").get("oom_kill", 0),
    )


def _v1(folder: Path) -> Headroom | None:
    current = _number(folder / "memory.usage_in_bytes")
    limit = _number(folder / "memory.limit_in_bytes")
    if current is None or limit is None:
        return None
    inactive = _table(folder / "memory.stat").get("total_inactive_file", 0)
    kills = _table(folder / "memory.oom_control").get("oom_kill", 0)
    return Headroom(max(0, current - inactive), limit, kills)


def _host() -> tuple[int, int]:
    """Return (used, total) of the host; without /proc only the total."""
    memory = _table(Path("/proc/meminfo"))
    if "MemTotal" in memory:
        total = memory["MemTotal"] * 1024
        return total - memory.get("MemAvailable", 0) * 1024, total
    return 0, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _table(file: Path) -> dict[str, int]:
    """Return a file of `name value` lines; lines of another form are passed over."""
    try:
        words = [line.replace(":", " ").split() for line in file.read_text().splitlines()]
    except OSError:
        return {}
    return {row[0]: int(row[1]) for row in words if len(row) >= 2 and row[1].isdigit()}
