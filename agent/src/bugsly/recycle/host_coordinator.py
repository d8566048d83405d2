"""What the workers of a host tell one another: who is ready, who is leaving, who left.

A folder of small files with a lock in it, best in memory.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bugsly.probes import process

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR_SECONDS = 3600.0


class Departure(NamedTuple):
    """A worker of *master* went at *left_at*, and its replacement is *replacement_due*: seconds of `host_clock`."""

    left_at: float
    replacement_due: float
    master: str


class WorkerSlot(NamedTuple):
    """A worker of *master*, the *number*-th of its master, which then kept *expected_workers* workers."""

    master: str
    number: int
    expected_workers: int


class WorkerCounts(NamedTuple):
    """Workers of a crew that are ready, and that its master keeps."""

    ready: int
    expected: int

    @property
    def is_complete(self) -> bool:
        """Return whether none is missing."""
        return self.ready >= self.expected


def host_clock() -> float:
    """Return seconds on the one clock of all processes here, which never jumps."""
    return process.clock()


def open_host_coordinator(
    slot: WorkerSlot, folders: Iterable[Path] | None = None
) -> HostCoordinator | None:
    """Return the board of the host for the worker at *slot*, None where nothing can be written.

    The first of *folders* that can be is taken; every worker finds the same.
    """
    folder_name = f"bugsly-{os.getuid()}-{process.machine()}"
    for folder in _candidate_folders() if folders is None else folders:
        with suppress(OSError):
            return HostCoordinator(_ensure_private_folder(folder / folder_name), slot)
    return None


def _candidate_folders() -> list[Path]:
    named = [os.environ.get(name) for name in ("XDG_RUNTIME_DIR", "TMPDIR")]
    configured = [Path(one) for one in named if one]
    return [Path("/dev/shm"), *configured, Path("/tmp")]  # noqa: S108 - the folder made there is ours alone


def _ensure_private_folder(folder: Path) -> Path:
    """Return *folder*, made if need be; raise OSError unless it is ours alone and writable."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    os.close(os.open(folder / "turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return folder


class HostCoordinator:
    """One worker's view of what all know."""

    def __init__(self, folder: Path, slot: WorkerSlot) -> None:
        self._folder = folder
        self._slot = slot
        self._lock_fd = -1
        pid = os.getpid()
        self._ready_file = folder / "-".join(("ready", *map(str, slot), str(pid), _start_time(pid)))

    @property
    def folder(self) -> Path:
        """Return where it is, for what else workers have to tell one another."""
        return self._folder

    def mark_ready(self) -> None:
        """Say that this worker is ready."""
        self._ready_file.touch(mode=0o600)

    def clear_ready(self) -> None:
        """Say that it is not, any more."""
        self._ready_file.unlink(missing_ok=True)

    def worker_counts(self) -> WorkerCounts:
        """Return how its own crew stands."""
        return self._count_workers(self._slot.master)

    def is_other_master_replacing(self) -> bool:
        """Return whether a replacement of another crew is not ready, and may still become so."""
        last_departures = {
            one.master: one for one in self._read_ledger() if one.master != self._slot.master
        }
        replacing = [
            one.master
            for one in last_departures.values()
            if one.left_at <= host_clock() < one.replacement_due
        ]
        return any(
            _start_time(int(master)) and not self._count_workers(master).is_complete
            for master in replacing
        )

    def _count_workers(self, master: str) -> WorkerCounts:
        """Return how a crew stands, by its newest worker; files of dead ones are removed."""
        workers = []
        for file in self._folder.glob("ready-*-*-*-*-*"):
            _, file_master, number, expected, pid, start_time = file.name.split("-")
            if _start_time(int(pid)) != start_time:
                file.unlink(missing_ok=True)
            elif file_master == master:
                workers.append((int(number), int(expected)))
        return WorkerCounts(len(workers), max(workers, default=(0, self._slot.expected_workers))[1])

    def try_lock(self) -> bool:
        """Return whether this worker may leave now; the kernel frees the turn when it ends.

        The lock is POSIX's: unlike that of flock(2), a child forked meanwhile does not keep it.
        """
        lock_fd = os.open(self._folder / "turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock_fd)
            return False
        self._lock_fd = lock_fd
        return True

    def release_lock(self) -> None:
        """Let another worker have the turn, where this one has it."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def record_departure(self, seconds: float) -> None:
        """Write into the ledger that this worker goes, and is replaced within *seconds*.

        Only who has the turn may. The last of a crew is kept for as long as its master lives.
        """
        departures = self._read_ledger()
        last = {one.master: one for one in departures if _start_time(int(one.master))}.values()
        kept = [
            one for one in departures if one in last or host_clock() - one.left_at < HOUR_SECONDS
        ]
        kept.append(Departure(host_clock(), host_clock() + seconds, self._slot.master))
        new_ledger = self._folder / "ledger.new"
        new_ledger.write_text("".join(f"{at!r} {due!r} {master}\n" for at, due, master in kept))
        new_ledger.replace(self._folder / "ledger")

    def recent_departures(self) -> list[Departure]:
        """Return who went in the last hour."""
        return [one for one in self._read_ledger() if host_clock() - one.left_at < HOUR_SECONDS]

    def last_departure(self) -> Departure | None:
        """Return the last that went of its own crew, None where none did."""
        return next(
            (one for one in reversed(self._read_ledger()) if one.master == self._slot.master), None
        )

    def _read_ledger(self) -> list[Departure]:
        """Return who went, oldest first; what cannot be read counts as nobody."""
        departures: list[Departure] = []
        with suppress(OSError, ValueError):
            for line in (self._folder / "ledger").read_text().splitlines():
                left_at, replacement_due, master = line.split()
                departures.append(
                    Departure(float(left_at), float(replacement_due), str(int(master)))
                )
        return [one for one in departures if one.left_at <= host_clock()]


def _start_time(pid: int) -> str:
    """Return the kernel's word for when *pid* started, '' where it has ended."""
    if not process.IS_LINUX:
        with suppress(OSError):
            os.kill(pid, 0)
            return "0"
        return ""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in {b"Z", b"X"} else fields[19].decode()
