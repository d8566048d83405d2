"""A memory cgroup for the processes of a run, and what it looks like from within."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

CGROUP_MOUNT = Path("/sys/fs/cgroup")
DEFAULT_LIMIT_BYTES = 1_000_000_000
"""Less than the machine has, so that the limit is seen to be the cgroup's."""
ENTER_CGROUP = (
    "import os, sys; open(sys.argv[1], 'w').write('0'); os.execvp(sys.argv[2], sys.argv[2:])"
)


class Cgroup:
    """A cgroup whose limit can be set while processes run in it."""

    def __init__(self, folder: Path, limit: str) -> None:
        """Make it in *folder*; *limit* is the name of the file that holds the limit."""
        self._folder = folder
        self._limit = folder / limit

    def command_inside(self, command: list[str]) -> list[str]:
        """Return the command that runs *command* in it."""
        return [sys.executable, "-c", ENTER_CGROUP, str(self._folder / "cgroup.procs"), *command]

    def set_limit(self, size: int) -> None:
        """Let the kernel kill where more than *size* bytes are needed."""
        self._limit.write_text(str(size))


@contextlib.contextmanager
def memory_cgroup(limit: int = DEFAULT_LIMIT_BYTES) -> Iterator[Cgroup]:
    """Give a new one of *limit* bytes, or end with why there can be none."""
    v1 = (CGROUP_MOUNT / "memory").is_dir()
    folder = (_own_v1_group() if v1 else CGROUP_MOUNT) / f"bugsly-{uuid.uuid4().hex}"
    try:
        folder.mkdir()
    except OSError as error:
        sys.exit(f"bench: no memory cgroup can be made here: {error} → run it as root")
    try:
        made = Cgroup(folder, "memory.limit_in_bytes" if v1 else "memory.max")
        made.set_limit(limit)
        yield made
    finally:
        _remove_when_empty(folder)


@contextlib.contextmanager
def probe_root_of(pid: int) -> Iterator[Path]:
    """Give a root for the agent's probes under which process *pid* is the one that looks."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "proc").mkdir()
        (root / "proc" / "self").symlink_to(f"/proc/{pid}")
        (root / "proc" / "meminfo").symlink_to("/proc/meminfo")
        (root / "sys").symlink_to("/sys")
        yield root


def _own_v1_group() -> Path:
    rows = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    path = next((row[2] for row in rows if row[1] == "memory"), "/")
    return CGROUP_MOUNT / "memory" / path.lstrip("/")


def _remove_when_empty(folder: Path) -> None:
    """Remove it once it is empty, which a killed process leaves it soon; raises OSError if not."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.05)
    folder.rmdir()
