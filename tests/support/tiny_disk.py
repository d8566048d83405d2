"""A disk of a few megabytes, which a test can fill up."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class TinyDisk:
    """A mounted folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave no room on it."""
        with self._filler.open("ab", buffering=0) as filler:
            for size in (65_536, 4_096):
                self._append_until_full(filler.fileno(), size)

    def make_room(self) -> None:
        self._filler.unlink()

    def _append_until_full(self, filler: int, size: int) -> None:
        try:
            while True:
                os.write(filler, b"\0" * size)
        except OSError:
            return


@contextmanager
def tiny_disk(folder: Path, megabytes: int) -> Iterator[TinyDisk]:
    """Mount a tmpfs at *folder* for the block; skip the test where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a disk cannot be mounted here: {error}")
    try:
        yield TinyDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # a file may still be open
