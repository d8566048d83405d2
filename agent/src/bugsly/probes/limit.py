"""How much memory there is before the kernel kills: the cgroup's limit, else the host's memory.

cgroup v2 and v1 as in the kernel's admin-guide, cgroup-v2.rst and cgroup-v1/memory.rst.
A limit of any ancestor counts, so the tightest one between this cgroup and the root is taken.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/")


class Headroom(NamedTuple):
    """Bytes *used* of *limit*, and the processes of this cgroup killed for want of memory."""

    used: int
    limit: int
    oom_kills: int


def read_headroom(root: Path = ROOT) -> Headroom:
    """Return what holds for this process: the tightest cgroup, or the whole host.

    Kills are counted in the process's own cgroup: an ancestor counts those of strangers too.
    """
    used, limit = _host(root)
    groups = _cgroups(root)
    for group in groups:
        if group.limit < limit:
            used, limit = group.used, group.limit
    return Headroom(used, limit, groups[0].oom_kills if groups else 0)


def _cgroups(root: Path) -> list[Headroom]:
    """Return this process's cgroup and its ancestors, those that account for memory."""
    mount = root / "sys/fs/cgroup"
    if (mount / "cgroup.controllers").exists():
        groups = [_v2(folder) for folder in _folders(root, mount, "")]
    else:
        groups = [_v1(folder) for folder in _folders(root, mount / "memory", "memory")]
    return [group for group in groups if group is not None]


def _folders(root: Path, mount: Path, controller: str) -> list[Path]:
    """Return this process's cgroup folder and its ancestors up to *mount*.

    In a container /proc/self/cgroup may name a path of the host that is not mounted here; then
    the mounted root is the container's own cgroup.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    rows = [line.split(":", 2) for line in lines]
    path = next((row[2] for row in rows if controller in row[1].split(",")), "/")
    folder = mount / path.lstrip("/")
    return [one for one in (folder, *folder.parents) if one == mount or mount in one.parents]


def _v2(folder: Path) -> Headroom | None:
    current = _number(folder / "memory.current")
    if current is None:
        return None
    limit = _number(folder / "memory.max")
    inactive = _table(folder / "memory.stat").get("inactive_file", 0)
    kills = _table(folder / "memory.events").get("oom_kill", 0)
    return Headroom(max(0, current - inactive), sys.maxsize if limit is None else limit, kills)


def _v1(folder: Path) -> Headroom | None:
    """Read a v1 cgroup, whose 'no limit' is a number near 2**63 and thus above any host's."""
    current = _number(folder / "memory.usage_in_bytes")
    limit = _number(folder / "memory.limit_in_bytes")
    if current is None or limit is None:
        return None
    inactive = _table(folder / "memory.stat").get("total_inactive_file", 0)
    kills = _table(folder / "memory.oom_control").get("oom_kill", 0)
    return Headroom(max(0, current - inactive), limit, kills)


def _host(root: Path) -> tuple[int, int]:
    """Return (used, total) of the host; without /proc only the total."""
    memory = _table(root / "proc/meminfo")
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
