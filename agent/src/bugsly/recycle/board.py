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

HOUR = 3600.0


class Departure(NamedTuple):
    """A worker of *crew* went at *at*, and its replacement is *due*: seconds of `now`."""

    at: float
    due: float
    crew: str


class Post(NamedTuple):
    """A worker of *crew*, the *number*-th of its master, which then kept *wanted* workers."""

    crew: str
    number: int
    wanted: int


class Standing(NamedTuple):
    """Workers of a crew that are ready, and that its master keeps."""

    ready: int
    wanted: int

    @property
    def complete(self) -> bool:
        """Return whether none is missing."""
        return self.ready >= self.wanted


def now() -> float:
    """Return seconds on the one clock of all processes here, which never jumps."""
    return process.clock()


def open_board(post: Post, folders: Iterable[Path] | None = None) -> Board | None:
    """Return the board of the host for the worker at *post*, None where nothing can be written.

    The first of *folders* that can be is taken; every worker finds the same.
    """
    name = f"bugsly-{os.getuid()}-{process.machine()}"
    for folder in _folders() if folders is None else folders:
        with suppress(OSError):
            return Board(_own(folder / name), post)
    return None


def _folders() -> list[Path]:
    named = [os.environ.get(name) for name in ("XDG_RUNTIME_DIR", "TMPDIR")]
    given = [Path(one) for one in named if one]
    return [Path("/dev/shm"), *given, Path("/tmp")]  # noqa: S108 - the folder made there is ours alone


def _own(folder: Path) -> Path:
    """Return *folder*, made if need be; raise OSError unless it is ours alone and writable."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    os.close(os.open(folder / "turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return folder


class Board:
    """One worker's view of what all know."""

    def __init__(self, folder: Path, post: Post) -> None:
        self._folder = folder
        self._post = post
        self._turn = -1
        pid = os.getpid()
        self._mine = folder / "-".join(("ready", *map(str, post), str(pid), _born(pid)))

    @property
    def folder(self) -> Path:
        """Return where it is, for what else workers have to tell one another."""
        return self._folder

    def announce(self) -> None:
        """Say that this worker is ready."""
        self._mine.touch(mode=0o600)

    def withdraw(self) -> None:
        """Say that it is not, any more."""
        self._mine.unlink(missing_ok=True)

    def standing(self) -> Standing:
        """Return how its own crew stands."""
        return self._standing(self._post.crew)

    def awaits(self) -> bool:
        """Return whether a replacement of another crew is not ready, and may still become so."""
        last = {one.crew: one for one in self._ledger() if one.crew != self._post.crew}
        due = [one.crew for one in last.values() if one.at <= now() < one.due]
        return any(_born(int(crew)) and not self._standing(crew).complete for crew in due)

    def _standing(self, of: str) -> Standing:
        """Return how a crew stands, by its newest worker; files of dead ones are removed."""
        crew = []
        for file in self._folder.glob("ready-*-*-*-*-*"):
            _, name, number, wanted, pid, born = file.name.split("-")
            if _born(int(pid)) != born:
                file.unlink(missing_ok=True)
            elif name == of:
                crew.append((int(number), int(wanted)))
        return Standing(len(crew), max(crew, default=(0, self._post.wanted))[1])

    def take_turn(self) -> bool:
        """Return whether this worker may leave now; the kernel frees the turn when it ends.

        The lock is POSIX's: unlike that of flock(2), a child forked meanwhile does not keep it.
        """
        turn = os.open(self._folder / "turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(turn)
            return False
        self._turn = turn
        return True

    def give_back(self) -> None:
        """Let another worker have the turn, where this one has it."""
        if self._turn >= 0:
            os.close(self._turn)
            self._turn = -1

    def note(self, seconds: float) -> None:
        """Write into the ledger that this worker goes, and is replaced within *seconds*.

        Only who has the turn may. The last of a crew is kept for as long as its master lives.
        """
        left = self._ledger()
        last = {one.crew: one for one in left if _born(int(one.crew))}.values()
        kept = [one for one in left if one in last or now() - one.at < HOUR]
        kept.append(Departure(now(), now() + seconds, self._post.crew))
        fresh = self._folder / "ledger.new"
        fresh.write_text("".join(f"{at!r} {due!r} {crew}\n" for at, due, crew in kept))
        fresh.replace(self._folder / "ledger")

    def departures(self) -> list[Departure]:
        """Return who went in the last hour."""
        return [one for one in self._ledger() if now() - one.at < HOUR]

    def last(self) -> Departure | None:
        """Return the last that went of its own crew, None where none did."""
        return next((one for one in reversed(self._ledger()) if one.crew == self._post.crew), None)

    def _ledger(self) -> list[Departure]:
        """Return who went, oldest first; what cannot be read counts as nobody."""
        left: list[Departure] = []
        with suppress(OSError, ValueError):
            for line in (self._folder / "ledger").read_text().splitlines():
                at, due, crew = line.split()
                left.append(Departure(float(at), float(due), str(int(crew))))
        return [one for one in left if one.at <= now()]


def _born(pid: int) -> str:
    """Return the kernel's word for when *pid* started, '' where it has ended."""
    if not process.LINUX:
        with suppress(OSError):
            os.kill(pid, 0)
            return "0"
        return ""
    try:
        row = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "" if row[0] in {b"Z", b"X"} else row[19].decode()
