"""A real memory cgroup to start processes in, where this machine lets us make one."""

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.wait import wait_until

MOUNT = Path("/sys/fs/cgroup")
ENTER = "import os, sys; open(sys.argv[1], 'w').write('0'); os.execvp(sys.argv[2], sys.argv[2:])"


@contextmanager
def memory_cgroup(limit: int) -> Iterator[Path]:
    """Give the folder of a new cgroup with *limit* bytes, or skip the test with the reason."""
    v1 = (MOUNT / "memory").is_dir()
    folder = (_own_v1() if v1 else MOUNT) / f"bugsly-test-{uuid.uuid4().hex}"
    try:
        folder.mkdir()
        (folder / ("memory.limit_in_bytes" if v1 else "memory.max")).write_text(str(limit))
    except OSError as error:
        if folder.exists():
            folder.rmdir()
        pytest.skip(f"no memory cgroup can be made here: {error}")
    try:
        yield folder
    finally:
        wait_until(lambda: _is_removed(folder), what="the cgroup is empty")


def inside(folder: Path, command: list[str]) -> list[str]:
    """Return the command that runs *command* in the cgroup of *folder*."""
    return [sys.executable, "-c", ENTER, str(folder / "cgroup.procs"), *command]


def _own_v1() -> Path:
    rows = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    path = next((row[2] for row in rows if row[1] == "memory"), "/")
    return MOUNT / "memory" / path.lstrip("/")


def _is_removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
