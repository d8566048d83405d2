"""Coordinates the workers of one host: which are ready, which one may leave, which ones left.

They share a folder of small files and a lock, in memory where the host has such a folder.
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
    """A worker of *master* that left, and when its replacement is due, by `host_clock`."""

    left_at: float
    replacement_due: float
    master: str


class WorkerSlot(NamedTuple):
    """The *number*-th worker of *master*, which kept *expected_workers* when it forked this one."""

    master: str
    number: int
    expected_workers: int


class WorkerCounts(NamedTuple):
    """How many workers of one master are ready, and how many it keeps."""

    ready: int
    expected: int

    @property
    def is_complete(self) -> bool:
        """Return whether none is missing."""
        return self.ready >= self.expected


def host_clock() -> float:
    """Return seconds on a clock that all processes of this host share and that never jumps."""
    return process.clock()


def open_host_coordinator(
    slot: WorkerSlot, folders: Iterable[Path] | None = None
) -> HostCoordinator | None:
    """Return the coordinator for the worker at *slot*, None where no folder can be written to.

    The first of *folders* that can be is used, so that every worker uses the same.
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
    """Return *folder*, created if missing; raise OSError unless it is ours alone and writable."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    os.close(os.open(folder / "turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return folder


class HostCoordinator:
    """What one worker shares with the others of its host."""

    def __init__(self, folder: Path, slot: WorkerSlot) -> None:
        self._folder = folder
        self._slot = slot
        self._lock_fd = -1
        pid = os.getpid()
        self._ready_file = folder / "-".join(("ready", *map(str, slot), str(pid), _start_time(pid)))

    @property
    def folder(self) -> Path:
        """Return the shared folder."""
        return self._folder

    def mark_ready(self) -> None:
        """Record that this worker is ready."""
        self._ready_file.touch(mode=0o600)

    def clear_ready(self) -> None:
        """Record that this worker is no longer ready."""
        self._ready_file.unlink(missing_ok=True)

    def worker_counts(self) -> WorkerCounts:
        """Return how many workers of its own master are ready."""
        return self._count_workers(self._slot.master)

    def is_other_master_replacing(self) -> bool:
        """Return whether another master waits for a replacement that is not overdue."""
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
        """Return the counts of *master*, by its newest worker; remove the files of dead workers."""
        workers = []
        for file in self._folder.glob("ready-*-*-*-*-*"):
            _, file_master, number, expected, pid, start_time = file.name.split("-")
            if _start_time(int(pid)) != start_time:
                file.unlink(missing_ok=True)
            elif file_master == master:
                workers.append((int(number), int(expected)))
        return WorkerCounts(len(workers), max(workers, default=(0, self._slot.expected_workers))[1])

    def try_lock(self) -> bool:
        """Return whether this worker may leave now; the kernel releases the lock when it ends.

        It is a POSIX lock: unlike one of flock(2), a child forked meanwhile does not keep it.
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
        """Let another worker take the lock, where this one holds it."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def record_departure(self, seconds: float) -> None:
        """Write into the ledger that this worker leaves and is replaced within *seconds*.

        The caller holds the lock. The last departure of a master is kept while the master lives.
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
        """Return the departures of the last hour."""
        return [one for one in self._read_ledger() if host_clock() - one.left_at < HOUR_SECONDS]

    def last_departure(self) -> Departure | None:
        """Return the last departure of its own master, None where there is none."""
        return next(
            (one for one in reversed(self._read_ledger()) if one.master == self._slot.master), None
        )

    def _read_ledger(self) -> list[Departure]:
        """Return all departures, oldest first; none where the ledger cannot be read."""
        departures: list[Departure] = []
        with suppress(OSError, ValueError):
            for line in (self._folder / "ledger").read_text().splitlines():
                left_at, replacement_due, master = line.split()
                departures.append(
                    Departure(float(left_at), float(replacement_due), str(int(master)))
                )
        return [one for one in departures if one.left_at <= host_clock()]


def _start_time(pid: int) -> str:
    """Return when *pid* started, as the kernel writes it; '' where it has ended."""
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
