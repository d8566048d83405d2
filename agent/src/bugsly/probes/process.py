"""Reads memory, descriptors, threads and age of this process from the kernel, for samples."""

from __future__ import annotations

import os
import sys
import time
import zlib
from pathlib import Path
from typing import NamedTuple

IS_LINUX = sys.platform.startswith("linux")
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_AGENT_LOADED = time.clock_gettime(_CLOCK)


class ProcessMemory(NamedTuple):
    """Bytes, except for *threads*; 0 if the platform does not provide it."""

    anonymous: int
    shared: int
    swapped: int
    peak: int
    threads: int


def read_memory() -> ProcessMemory:
    """Return the memory of this process now; on macOS without the shared part."""
    if IS_LINUX:
        return parse_status(Path("/proc/self/status").read_bytes())
    return _macos_memory()


def parse_status(text: bytes) -> ProcessMemory:
    """Return the memory in the text of /proc/self/status.

    gVisor has neither RssAnon nor RssFile; then all resident memory counts as anonymous.
    """
    fields = dict(line.split(b":", 1) for line in text.splitlines())

    def amount(name: bytes) -> int:
        return int(fields.get(name, b"0").split()[0]) * 1024

    swapped = amount(b"VmSwap")
    return ProcessMemory(
        anonymous=amount(b"RssAnon" if b"RssAnon" in fields else b"VmRSS") + swapped,
        shared=amount(b"RssFile") + amount(b"RssShmem"),
        swapped=swapped,
        peak=amount(b"VmHWM"),
        threads=int(fields[b"Threads"]),
    )


def _macos_memory() -> ProcessMemory:
    """Read rusage_info_v2 of libproc: after the UUID, the 7th and 8th of its 64-bit fields."""
    import ctypes
    import resource
    import threading

    buffer = (ctypes.c_uint64 * 32)()
    ctypes.CDLL("libproc.dylib").proc_pid_rusage(os.getpid(), 2, ctypes.byref(buffer))
    footprint = buffer[9]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return ProcessMemory(footprint, 0, 0, peak, threading.active_count())


def read_pss() -> int | None:
    """Return the PSS in bytes, or None. It takes about 3.5 ms per GB of heap, so call it rarely."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_bytes().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:")), None)


def count_descriptors() -> int:
    """Return how many file descriptors are open, without the one that lists them."""
    try:
        return sum(1 for _ in Path("/proc/self/fd" if IS_LINUX else "/dev/fd").iterdir()) - 1
    except OSError:
        return 0


def clock() -> float:
    """Return seconds on a monotonic clock that all processes of this host share."""
    return time.clock_gettime(_CLOCK)


def age() -> int:
    """Return microseconds since this process started, on a monotonic clock."""
    return int((clock() - _started_at()) * 1_000_000)


_start_by_pid: dict[int, float] = {}


def _started_at() -> float:
    """Return when this process started, in seconds on the clock of `age`."""
    pid = os.getpid()
    if pid not in _start_by_pid:
        _start_by_pid.clear()
        _start_by_pid[pid] = _linux_start() if IS_LINUX else _AGENT_LOADED
    return _start_by_pid[pid]


def _linux_start() -> float:
    stat = Path("/proc/self/stat").read_bytes()
    ticks = int(stat.rpartition(b")")[2].split()[19])
    return ticks / os.sysconf("SC_CLK_TCK")


def machine() -> str:
    """Return 8 digits that distinguish hosts and containers of the same name.

    All processes of one container have the same digits. Platforms without such ids have one value.
    """
    return f"{zlib.crc32(_boot_id() + _pid_namespace()):08x}"


def _boot_id() -> bytes:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        return b""


def _pid_namespace() -> bytes:
    try:
        return bytes(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return b""
