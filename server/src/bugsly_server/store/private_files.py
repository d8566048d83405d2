"""Keeps the data folder from the other users of the machine, whatever the umask is or was."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

LOG = logging.getLogger("bugsly")
FILE_MODE = 0o600
FOLDER_MODE = 0o700
FILES = ("meta.db*", "meta.lock", "spool.db*", "server.lock")
"""Ours at the top of the data folder, which may hold files of others, each with its `-wal`."""
FOLDERS = ("telemetry",)
"""Ours with all that is in them."""


def private_opener(path: str | os.PathLike[str], flags: int) -> int:
    """Open *path* for `open`; a file that this makes is its owner's only."""
    return os.open(path, flags, FILE_MODE)


def create_private_folder(folder: Path) -> None:
    """Create *folder*, and the folders it is in, unless they exist."""
    if not folder.exists():
        create_private_folder(folder.parent)
        folder.mkdir(FOLDER_MODE, exist_ok=True)


def create_private(path: Path) -> None:
    """Create *path* unless it exists; SQLite gives what it adds beside it the same mode.

    Where it cannot be created, whoever opens it next says why.
    """
    with suppress(OSError):
        os.close(private_opener(path, os.O_RDONLY | os.O_CREAT))


def make_private(folder: Path) -> None:
    """Give the data folder and our files in it to their owner only; log what cannot be changed.

    A folder that is shared on purpose, as /tmp is, is left alone; our files in it are not. What
    symbolic links in it lead to is left alone too.
    """
    folder = folder.resolve()
    if not folder.stat().st_mode & stat.S_ISVTX:
        _set_mode(folder)
    for path in _our_paths(folder):
        _set_mode(path)


def _our_paths(folder: Path) -> Iterator[Path]:
    for pattern in FILES:
        yield from folder.glob(pattern)
    for name in FOLDERS:
        yield folder / name
        yield from (folder / name).rglob("*")


def _set_mode(path: Path) -> None:
    try:
        found = path.lstat().st_mode
        wanted = FOLDER_MODE if stat.S_ISDIR(found) else FILE_MODE
        if not stat.S_ISLNK(found) and stat.S_IMODE(found) != wanted:
            path.chmod(wanted)
    except FileNotFoundError:
        return
    except PermissionError as error:
        LOG.warning(
            "BUGSLY_DATA_DIR: %s stays readable to others (%s)"
            " → give it to the user that runs the server",
            path,
            error.strerror,
        )
