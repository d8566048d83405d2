"""What the workers of a host tell one another: who is ready, who is leaving, who left.

A folder of empty files with a lock in it, best in memory; where nothing can be written, names of
abstract sockets, which end with their process as the lock does, and keep no ledger.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from bugsly.probes import process

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR = 3600.0


class Departure(NamedTuple):
    """A worker of *crew* was recycled at *at*, seconds since the host started."""

    at: float
    crew: str


class Board(Protocol):
    """One worker's view of what all know."""

    def announce(self) -> None:
        """Say that this worker is ready."""

    def withdraw(self) -> None:
        """Say that it is not, any more."""

    def ready(self) -> int:
        """Return how many workers of its crew are ready."""

    def take_turn(self) -> bool:
        """Return whether this worker may leave now; it holds the turn until its process ends."""

    def give_back(self) -> None:
        """Let another worker have the turn."""

    def note(self) -> None:
        """Write into the ledger that this worker goes. Only who has the turn may."""

    def departures(self) -> list[Departure]:
        """Return who went in the last hour; nobody where there is no ledger."""


def now() -> float:
    """Return seconds on the one clock of all processes here, which never jumps."""
    return process.clock()


def open_board(crew: str, folders: Iterable[Path] | None = None) -> Board:
    """Return the board of the host, for a worker of *crew*, a master's generation.

    The first of *folders* that can be written is taken; every worker finds the same.
    """
    name = f"bugsly-{os.getuid()}-{process.machine()}"
    for folder in _folders() if folders is None else folders:
        with suppress(OSError):
            return FileBoard(_own(folder / name), crew)
    return SocketBoard(name, crew)


def _folders() -> list[Path]:
    named = [os.environ.get(name) for name in ("XDG_RUNTIME_DIR", "TMPDIR")]
    given = [Path(one) for one in named if one]
    return [Path("/dev/shm"), *given, Path("/tmp"), Path(tempfile.gettempdir())]  # noqa: S108 - the folder made there is ours alone


def _own(folder: Path) -> Path:
    """Return *folder*, made if need be; raise OSError unless it is ours alone and can be written."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    os.close(os.open(folder / "turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return folder


class FileBoard:
    """The board in a folder."""

    def __init__(self, folder: Path, crew: str) -> None:
        self._folder = folder
        self._crew = crew
        self._turn = -1
        pid = os.getpid()
        self._mine = folder / f"ready-{crew}-{pid}-{_born(pid)}"

    def announce(self) -> None:
        """Say that this worker is ready."""
        self._mine.touch(mode=0o600)

    def withdraw(self) -> None:
        """Say that it is not, any more."""
        self._mine.unlink(missing_ok=True)

    def ready(self) -> int:
        """Return how many workers of its crew are ready; files of dead ones are removed."""
        count = 0
        for file in self._folder.glob("ready-*"):
            _, crew, pid, born = file.name.split("-")
            if _born(int(pid)) != born:
                file.unlink(missing_ok=True)
            elif crew == self._crew:
                count += 1
        return count

    def take_turn(self) -> bool:
        """Return whether this worker may leave now; the kernel frees the turn when it ends."""
        turn = os.open(self._folder / "turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(turn)
            return False
        self._turn = turn
        return True

    def give_back(self) -> None:
        """Let another worker have the turn."""
        os.close(self._turn)

    def note(self) -> None:
        """Write into the ledger that this worker goes."""
        ledger = self._folder / "ledger"
        lines = [f"{one.at:.3f} {one.crew}\n" for one in self.departures()]
        lines.append(f"{now():.3f} {self._crew}\n")
        fresh = self._folder / "ledger.new"
        fresh.write_text("".join(lines), encoding="utf-8")
        fresh.replace(ledger)

    def departures(self) -> list[Departure]:
        """Return who went in the last hour; what cannot be read counts as nobody."""
        try:
            lines = (self._folder / "ledger").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []
        told = [line.split() for line in lines]
        left = [Departure(float(at), crew) for at, crew in (one for one in told if len(one) == 2)]
        return [one for one in left if 0 <= now() - one.at < HOUR]


class SocketBoard:
    """The board in the names of abstract sockets, where no folder can be written."""

    def __init__(self, name: str, crew: str) -> None:
        self._turn_name = f"\0{name}-turn"
        self._ready_names = f"@{name}-ready-{crew}-"
        self._mine: socket.socket | None = None
        self._turn: socket.socket | None = None

    def announce(self) -> None:
        """Say that this worker is ready."""
        if self._mine is None:
            self._mine = _bound(f"\0{self._ready_names[1:]}{os.getpid()}")

    def withdraw(self) -> None:
        """Say that it is not, any more."""
        mine, self._mine = self._mine, None
        if mine is not None:
            mine.close()

    def ready(self) -> int:
        """Return how many workers of its crew are ready."""
        rows = Path("/proc/net/unix").read_text(errors="replace").splitlines()
        return sum(row.rpartition(" ")[2].startswith(self._ready_names) for row in rows)

    def take_turn(self) -> bool:
        """Return whether this worker may leave now; the kernel frees the turn when it ends."""
        try:
            self._turn = _bound(self._turn_name)
        except OSError:
            return False
        return True

    def give_back(self) -> None:
        """Let another worker have the turn."""
        if self._turn is not None:
            self._turn.close()

    def note(self) -> None:
        """Keep nothing: there is nowhere to."""

    def departures(self) -> list[Departure]:
        """Return nobody."""
        return []


def _bound(name: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        made.bind(name)
    except OSError:
        made.close()
        raise
    return made


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
