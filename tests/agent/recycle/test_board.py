"""The board, between real processes: locks and lives are the kernel's."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from bugsly.recycle import board
from bugsly.recycle.board import Board, Departure, Post, Standing, open_board

SPAWNING = multiprocessing.get_context("spawn")
MASTER = "1"
NOBODY = str(1 << 30)


def at(folder: Path, crew: str = "7", number: int = 1, wanted: int = 2) -> Board:
    opened = open_board(Post(crew, number, wanted), [folder])
    assert opened is not None
    return opened


def _sit(folder: Path, post: Post, parent: Connection) -> None:
    """Do at the board what is asked for, until the pipe is closed."""
    opened = at(folder, *post)
    while asked := parent.recv():
        parent.send(getattr(opened, asked)())


class Sibling:
    """A worker in a process of its own."""

    def __init__(self, folder: Path, post: Post) -> None:
        self._pipe, theirs = SPAWNING.Pipe()
        self.process = SPAWNING.Process(target=_sit, args=(folder, post, theirs))
        self.process.start()

    def ask(self, name: str) -> object:
        self._pipe.send(name)
        return self._pipe.recv()

    def kill(self) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()

    def dismiss(self) -> None:
        if self.process.is_alive():
            self._pipe.send("")
        self.process.join()
        self._pipe.close()


@contextmanager
def sibling(folder: Path, crew: str = "7", number: int = 2, wanted: int = 2) -> Iterator[Sibling]:
    started = Sibling(folder, Post(crew, number, wanted))
    try:
        yield started
    finally:
        started.dismiss()


def test_workers_of_a_crew_know_who_is_ready(tmp_path: Path) -> None:
    mine = at(tmp_path)
    assert mine.standing() == Standing(0, 2)
    mine.announce()
    with sibling(tmp_path) as other:
        other.ask("announce")
        assert mine.standing() == Standing(2, 2)
        other.ask("withdraw")
        assert mine.standing() == Standing(1, 2)


def test_another_gunicorn_on_the_host_is_another_crew(tmp_path: Path) -> None:
    mine = at(tmp_path)
    mine.announce()
    with sibling(tmp_path, crew="8") as stranger:
        stranger.ask("announce")
        assert mine.standing() == Standing(1, 2)


def test_a_worker_that_was_killed_is_not_ready(tmp_path: Path) -> None:
    mine = at(tmp_path)
    with sibling(tmp_path) as other:
        other.ask("announce")
        assert mine.standing().ready == 1
        other.kill()
        assert mine.standing().ready == 0


def test_a_reused_pid_is_not_the_worker_that_had_it(tmp_path: Path) -> None:
    mine = at(tmp_path)
    mine.announce()
    (file,) = tmp_path.glob("*/ready-*")
    file.rename(file.with_name(f"{file.name}1"))
    assert mine.standing().ready == 0
    assert list(tmp_path.glob("*/ready-*")) == []


def test_the_newest_worker_knows_how_many_are_wanted(tmp_path: Path) -> None:
    mine = at(tmp_path, number=1, wanted=2)
    mine.announce()
    with sibling(tmp_path, number=9, wanted=3) as newest:
        newest.ask("announce")
        assert mine.standing() == Standing(2, 3)


def test_only_one_worker_of_a_host_has_the_turn(tmp_path: Path) -> None:
    mine = at(tmp_path)
    with sibling(tmp_path, crew="8") as stranger:
        assert stranger.ask("take_turn")
        assert not mine.take_turn()
        stranger.ask("give_back")
        assert mine.take_turn()


def test_the_turn_of_a_worker_that_was_killed_is_free(tmp_path: Path) -> None:
    mine = at(tmp_path)
    with sibling(tmp_path) as other:
        assert other.ask("take_turn")
        other.kill()
        assert mine.take_turn()


def test_a_child_of_the_worker_does_not_keep_its_turn(tmp_path: Path) -> None:
    mine = at(tmp_path)
    assert mine.take_turn()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    mine.give_back()
    with sibling(tmp_path) as other:
        assert other.ask("take_turn")
    os.close(writing)
    os.waitpid(child, 0)
    os.close(reading)


def test_departures_are_known_to_all_for_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1_000.0
    monkeypatch.setattr(board, "now", lambda: moment)
    mine, stranger = at(tmp_path), at(tmp_path, crew="8")
    assert mine.last() is None
    mine.note(60)
    moment = 1_010.0
    stranger.note(90)
    ours, theirs = Departure(1_000, 1_060, "7"), Departure(1_010, 1_100, "8")
    assert mine.departures() == [ours, theirs]
    assert (mine.last(), stranger.last()) == (ours, theirs)
    moment = 4_600.0
    assert mine.departures() == [theirs]


def test_the_last_departure_of_a_crew_is_known_while_its_master_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1_000.0
    monkeypatch.setattr(board, "now", lambda: moment)
    living, ended = at(tmp_path, crew=str(os.getpid())), at(tmp_path, crew=NOBODY)
    living.note(60)
    living.note(60)
    ended.note(60)
    moment = 9_000.0
    at(tmp_path, crew="8").note(60)
    assert living.last() == Departure(1_000, 1_060, str(os.getpid()))
    assert ended.last() is None
    assert len(living.departures()) == 1


@pytest.mark.parametrize(
    ("ready", "seconds", "master", "awaited"),
    [
        (1, 59, MASTER, True),
        (0, 59, MASTER, True),
        (2, 59, MASTER, False),
        (1, 60, MASTER, False),
        (1, 59, NOBODY, False),
        (1, -1, MASTER, False),
    ],
    ids=[
        "it boots",
        "it was the only one",
        "it is ready",
        "it does not boot",
        "its master ended",
        "it has not gone",
    ],
)
def test_a_replacement_elsewhere_is_awaited_until_it_is_overdue(
    ready: int,
    seconds: int,
    master: str,
    awaited: bool,  # noqa: FBT001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = 1_000.0
    monkeypatch.setattr(board, "now", lambda: moment)
    mine = at(tmp_path)
    for number in range(ready):
        at(tmp_path, crew=master, number=number).announce()
    leaving = at(tmp_path, crew=master)
    leaving.note(60)
    moment += seconds
    assert mine.awaits() is awaited
    assert not leaving.awaits()


def test_a_departure_from_the_future_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = at(tmp_path)
    mine.note(60)
    monkeypatch.setattr(board, "now", lambda: 0.0)
    assert mine.departures() == []


@pytest.mark.parametrize("text", ["", "nonsense", "1 2\n", "1 2 a\n", "\0\n", "\ud800"])
def test_a_ledger_that_cannot_be_read_names_nobody(text: str, tmp_path: Path) -> None:
    mine = at(tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / "ledger").write_text(text, errors="surrogatepass")
    assert mine.departures() == []
    mine.note(60)
    assert len(mine.departures()) == 1


def test_the_first_folder_that_can_be_written_is_taken(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    (tmp_path / "file").write_text("")
    taken = tmp_path / "taken"
    taken.mkdir()
    assert open_board(Post("7", 1, 2), [gone, tmp_path / "file", Path("/proc"), taken]) is not None
    assert len(list(taken.iterdir())) == 1


def test_without_any_folder_to_write_to_there_is_no_board(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(board, "_own", _refused)
    monkeypatch.setenv("TMPDIR", "/proc")
    assert open_board(Post("7", 1, 2)) is None


def _refused(folder: Path) -> Path:
    raise PermissionError(folder)


def test_where_no_folder_can_be_written_there_is_no_board(tmp_path: Path) -> None:
    assert open_board(Post("7", 1, 2), [tmp_path / "gone", Path("/proc")]) is None


def test_a_folder_of_somebody_else_is_not_trusted(tmp_path: Path) -> None:
    at(tmp_path)
    (folder,) = tmp_path.iterdir()
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert open_board(Post("7", 1, 2), [tmp_path]) is None
