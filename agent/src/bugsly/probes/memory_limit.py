"""Reads how much memory is used and allowed before the kernel kills: of the cgroup or the host.

cgroup v2 and v1 as in the kernel's admin-guide, cgroup-v2.rst and cgroup-v1/memory.rst.
A limit of any ancestor counts, so the lowest limit between this cgroup and the root is used.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

FILESYSTEM_ROOT = Path("/")


class Headroom(NamedTuple):
    """Bytes *used* of *limit*, and how many processes of this cgroup were OOM-killed."""

    used: int
    limit: int
    oom_kills: int


class CgroupLayout(NamedTuple):
    """The files of a cgroup version, and the name of reclaimable cache in its memory.stat."""

    used: str
    limit: str
    kills: str
    cache: str


CGROUP_V2 = CgroupLayout("memory.current", "memory.max", "memory.events", "inactive_file")
CGROUP_V1 = CgroupLayout(
    "memory.usage_in_bytes", "memory.limit_in_bytes", "memory.oom_control", "total_inactive_file"
)


def read_headroom(root: Path = FILESYSTEM_ROOT) -> Headroom:
    """Return the headroom of this process, in the cgroup with the lowest limit or on the host.

    Kills are those of the process's own cgroup; an ancestor also counts those of other services.
    memory.stat is read for one cgroup only, because the kernel may take milliseconds to sum it up.
    """
    layout, groups = _cgroups(root)
    used, limit = _host_memory(root)
    kills = _read_table(groups[0] / layout.kills).get("oom_kill", 0) if groups else 0
    limits = [(_read_number(group / layout.limit), group) for group in groups]
    bounds = [(bound, group) for bound, group in limits if bound is not None and 0 < bound < limit]
    if bounds:
        limit, tightest = min(bounds, key=lambda bound: bound[0])
        cache = _read_table(tightest / "memory.stat").get(layout.cache, 0)
        used = max(0, (_read_number(tightest / layout.used) or 0) - cache)
    return Headroom(used, limit, kills)


def _cgroups(root: Path) -> tuple[CgroupLayout, list[Path]]:
    """Return the folders of this process's cgroup and its ancestors that count memory.

    `max` in v2 and a number near 2**63 in v1 mean no limit: no host has that much memory.
    """
    mount = root / "sys/fs/cgroup"
    if (mount / "cgroup.controllers").exists():
        layout, folders = CGROUP_V2, _cgroup_folders(root, mount, "")
    else:
        layout, folders = CGROUP_V1, _cgroup_folders(root, mount / "memory", "memory")
    return layout, [folder for folder in folders if (folder / layout.used).exists()]


def _cgroup_folders(root: Path, mount: Path, controller: str) -> list[Path]:
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


def _host_memory(root: Path) -> tuple[int, int]:
    """Return (used, total) of the host; without /proc only the total."""
    memory = _read_table(root / "proc/meminfo")
    if "MemTotal" in memory:
        total = memory["MemTotal"] * 1024
        return total - memory.get("MemAvailable", 0) * 1024, total
    return 0, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _read_number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _read_table(file: Path) -> dict[str, int]:
    """Return a file of `name value` lines; other lines are skipped."""
    try:
        rows = [line.replace(":", " ").split() for line in file.read_text().splitlines()]
    except OSError:
        return {}
    return {row[0]: int(row[1]) for row in rows if len(row) >= 2 and row[1].isdigit()}
