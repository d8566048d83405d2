"""Runs a program, and ends it together with everything it has started."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 4.0
"""Seconds that a program gets to end by itself after a signal."""


class ChildProcess:
    """A program that was started, with its descendants."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls, command: Sequence[str], environ: Mapping[str, str], out: IO[bytes] | None = None
    ) -> ChildProcess:
        """Start *command*; its output goes to *out*, or to our own streams."""
        process = await asyncio.create_subprocess_exec(
            *command, env=dict(environ), stdout=out, stderr=out
        )
        return cls(process)

    async def wait(self) -> int:
        """Wait for its end; return its exit code as a shell does, 128 + N after signal N."""
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    async def stop(self, number: signal.Signals) -> int:
        """Send signal *number*, wait GRACE_SECONDS, kill what is left; return the exit code."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)  # send_signal() would reap it before asyncio
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), GRACE_SECONDS)
        kill_descendants()
        return await self.wait()


def adopt_orphans() -> None:
    """Become the parent of descendants whose parent dies, so that none escapes (Linux only)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_descendants() -> None:
    """Kill every descendant of this process."""
    for pid in descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def descendants(root: int) -> list[int]:
    """Return the pids below *root*, children before grandchildren; [] without /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    pids = [root]
    for pid in pids:
        pids += children.get(pid, [])
    return pids[1:]
