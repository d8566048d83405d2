"""Memory used and allowed, in cgroup v1, cgroup v2 and on a host."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.cgroup import memory_cgroup
from tests.support.protocol_values import GB, MB

from bugsly.probes.memory_limit import Headroom, read_headroom

NO_LIMIT_V1 = (1 << 63) - 4096
HOST = 16 * GB
HOST_USED = 4 * GB

Tree = dict[str, str]


def host() -> Tree:
    lines = f"MemTotal: {HOST // 1024} kB\nMemAvailable: {(HOST - HOST_USED) // 1024} kB\n"
    return {"proc/meminfo": lines}


def of_v2(path: str, *groups: Tree) -> Tree:
    tree = {**host(), "proc/self/cgroup": f"0::{path}\n"}
    tree["sys/fs/cgroup/cgroup.controllers"] = "cpu memory pids\n"
    for group in groups:
        tree |= group
    return tree


def v2(path: str, current: int, limit: int | str, inactive: int = 0, kills: int = 0) -> Tree:
    folder = f"sys/fs/cgroup{path}".rstrip("/")
    return {
        f"{folder}/memory.current": f"{current}\n",
        f"{folder}/memory.max": f"{limit}\n",
        f"{folder}/memory.stat": f"anon 1\ninactive_file {inactive}\nactive_file 7\n",
        f"{folder}/memory.events": f"low 0\nhigh 0\nmax 9\noom {kills}\noom_kill {kills}\n",
    }


def of_v1(path: str, *groups: Tree, controllers: str = "memory") -> Tree:
    lines = f"9:name=systemd:/\n7:cpu,cpuacct:/elsewhere\n4:{controllers}:{path}\n0::/\n"
    tree = {**host(), "proc/self/cgroup": lines}
    for group in groups:
        tree |= group
    return tree


def v1(path: str, usage: int, limit: int, inactive: int = 0, kills: int = 0) -> Tree:
    folder = f"sys/fs/cgroup/memory{path}".rstrip("/")
    return {
        f"{folder}/memory.usage_in_bytes": f"{usage}\n",
        f"{folder}/memory.limit_in_bytes": f"{limit}\n",
        f"{folder}/memory.stat": f"inactive_file 1\ntotal_inactive_file {inactive}\n",
        f"{folder}/memory.oom_control": f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n",
    }


CASES: dict[str, tuple[Tree, Headroom]] = {
    "v2 with a limit": (
        of_v2("/shop", v2("/shop", 300 * MB, 500 * MB, inactive=20 * MB, kills=3)),
        Headroom(280 * MB, 500 * MB, 3),
    ),
    "v2 without a limit": (
        of_v2("/shop", v2("/shop", 300 * MB, "max", kills=1)),
        Headroom(HOST_USED, HOST, 1),
    ),
    "v2 with a limit beyond the host": (
        of_v2("/shop", v2("/shop", 300 * MB, 99 * GB)),
        Headroom(HOST_USED, HOST, 0),
    ),
    "v2 in a tighter ancestor, whose kills may be a stranger's": (
        of_v2(
            "/pod/shop",
            v2("/pod/shop", 100 * MB, 900 * MB, kills=2),
            v2("/pod", 400 * MB, 600 * MB, kills=7),
        ),
        Headroom(400 * MB, 600 * MB, 2),
    ),
    "v2 in a wider ancestor": (
        of_v2("/pod/shop", v2("/pod/shop", 100 * MB, 200 * MB), v2("/pod", 400 * MB, 600 * MB)),
        Headroom(100 * MB, 200 * MB, 0),
    ),
    "v2 in a container, whose path is the host's": (
        of_v2("/kubepods/pod7/abc", v2("/", 300 * MB, 500 * MB, kills=1)),
        Headroom(300 * MB, 500 * MB, 1),
    ),
    "v2 in a container with a namespace of its own": (
        of_v2("/", v2("/", 300 * MB, 500 * MB)),
        Headroom(300 * MB, 500 * MB, 0),
    ),
    "v2 in a path that contains the word memory:": (
        of_v2("/memory:shop", v2("/memory:shop", 300 * MB, 500 * MB)),
        Headroom(300 * MB, 500 * MB, 0),
    ),
    "v2 where the controller is off": (of_v2("/shop"), Headroom(HOST_USED, HOST, 0)),
    "v2 that caches more than it has used": (
        of_v2("/shop", v2("/shop", 300 * MB, 500 * MB, inactive=301 * MB)),
        Headroom(0, 500 * MB, 0),
    ),
    "v1 with a limit": (
        of_v1("/shop", v1("/shop", 300 * MB, 500 * MB, inactive=20 * MB, kills=3)),
        Headroom(280 * MB, 500 * MB, 3),
    ),
    "v1 with another controller beside": (
        of_v1("/shop", v1("/shop", 300 * MB, 500 * MB), controllers="memory,hugetlb"),
        Headroom(300 * MB, 500 * MB, 0),
    ),
    "v1 without a limit": (
        of_v1("/shop", v1("/shop", 300 * MB, NO_LIMIT_V1), v1("/", 2 * GB, NO_LIMIT_V1)),
        Headroom(HOST_USED, HOST, 0),
    ),
    "v1 in a tighter ancestor": (
        of_v1("/pod/shop", v1("/pod/shop", 100 * MB, NO_LIMIT_V1), v1("/pod", 400 * MB, 600 * MB)),
        Headroom(400 * MB, 600 * MB, 0),
    ),
    "v1 in a container, whose path is the host's": (
        of_v1("/docker/abc", v1("/", 300 * MB, 500 * MB, kills=1)),
        Headroom(300 * MB, 500 * MB, 1),
    ),
    **{
        f"v2 that says {absurd!r}": (
            of_v2("/shop", v2("/shop", 300 * MB, absurd)),
            Headroom(HOST_USED, HOST, 0),
        )
        for absurd in ("", "0", "-1", "9" * 30, "a lot", "1 2")
    },
    "no cgroup": (host(), Headroom(HOST_USED, HOST, 0)),
}


def write_tree(root: Path, tree: Tree) -> None:
    for name, text in tree.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.mark.parametrize("case", CASES)
def test_the_lowest_limit_is_used(case: str, tmp_path: Path) -> None:
    tree, headroom = CASES[case]
    write_tree(tmp_path, tree)
    assert read_headroom(tmp_path) == headroom


def test_without_proc_the_memory_of_the_host_is_the_limit(tmp_path: Path) -> None:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert read_headroom(tmp_path) == Headroom(0, total, 0)


def test_this_machine_has_headroom() -> None:
    headroom = read_headroom()
    assert 0 < headroom.used < headroom.limit


READ_HEADROOM_PROGRAM = (
    "from bugsly.probes.memory_limit import read_headroom; print(*read_headroom())"
)
EAT_MEMORY_PROGRAM = "eaten = []\nwhile True: eaten.append(b'x' * 1_000_000)"


def test_a_real_cgroup_reports_its_limit_and_kills() -> None:
    with memory_cgroup(limit=64 << 20) as cgroup:
        eaten = subprocess.run(
            cgroup.command_inside([sys.executable, "-c", EAT_MEMORY_PROGRAM]), check=False
        )
        asked = subprocess.run(
            cgroup.command_inside([sys.executable, "-c", READ_HEADROOM_PROGRAM]),
            check=True,
            capture_output=True,
        )
    assert eaten.returncode == -signal.SIGKILL
    used, limit, kills = map(int, asked.stdout.split())
    assert 0 < used < limit == 64 << 20
    assert kills == 1
