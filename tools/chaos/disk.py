"""A disk that can be filled and stalled; a plain folder where none can be mounted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEGABYTES = 192
BLOCK_BYTES = "4096"
"""As on any large disk. With blocks smaller than a page, SQLite's shared memory can lack room where
it is written to, which ends a process by SIGBUS."""


class Disk:
    """The folder of a server on it; *is_own* says whether it is a disk, and not just a folder."""

    def __init__(self, mounted: Path, *, is_own: bool) -> None:
        self.mounted = mounted
        self.folder = mounted / "data"
        self.is_own = is_own
        self._filler = mounted / "filler"

    def fill(self) -> None:
        """Leave no room on it."""
        with self._filler.open("ab", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"\0" * 65_536)

    def make_room(self) -> None:
        """Undo `fill`."""
        self._filler.unlink()

    def stall(self) -> None:
        """Let every write to it wait."""
        _run("fsfreeze", "--freeze", self.mounted)

    def go_on(self) -> None:
        """Undo `stall`."""
        _run("fsfreeze", "--unfreeze", self.mounted)


@contextmanager
def own_disk(scratch: Path) -> Iterator[Disk]:
    """Give a disk in a file in *scratch*, formatted and mounted, for the block."""
    image, mounted = scratch / "image", scratch / "disk"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(MEGABYTES * 1_000_000)
    try:
        _run("mkfs.ext4", "-q", "-m", "0", "-b", BLOCK_BYTES, image)
        _run("mount", "-o", "loop", image, mounted)
    except (OSError, subprocess.CalledProcessError):
        yield Disk(mounted, is_own=False)
        return
    try:
        yield Disk(mounted, is_own=True)
    finally:
        _run("umount", "--lazy", mounted)


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)
