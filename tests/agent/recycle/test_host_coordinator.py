"""The coordinator between real processes, with the locks and start times of the kernel."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from bugsly.recycle import host_coordinator
from bugsly.recycle.host_coordinator import (
    Departure,
    HostCoordinator,
    WorkerCounts,
    WorkerSlot,
    open_host_coordinator,
)

SPAWN_CONTEXT = multiprocessing.get_context("spawn")
LIVING_MASTER = "1"
ENDED_MASTER = str(1 << 30)


def coordinator_at(
    folder: Path, master: str = "7", number: int = 1, expected: int = 2
) -> HostCoordinator:
    opened = open_host_coordinator(WorkerSlot(master, number, expected), [folder])
    assert opened is not None
    return opened


def _serve_coordinator(folder: Path, slot: WorkerSlot, parent: Connection) -> None:
    """Call the methods that *parent* names, until it sends an empty name."""
    opened = coordinator_at(folder, *slot)
    while method := parent.recv():
        parent.send(getattr(opened, method)())


class SiblingProcess:
    """A worker in a process of its own."""

    def __init__(self, folder: Path, slot: WorkerSlot) -> None:
        self._pipe, theirs = SPAWN_CONTEXT.Pipe()
        self.process = SPAWN_CONTEXT.Process(target=_serve_coordinator, args=(folder, slot, theirs))
        self.process.start()

    def call(self, name: str) -> object:
        self._pipe.send(name)
        return self._pipe.recv()

    def kill(self) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()

    def close(self) -> None:
        if self.process.is_alive():
            self._pipe.send("")
        self.process.join()
        self._pipe.close()


@contextmanager
def sibling(
    folder: Path, master: str = "7", number: int = 2, expected: int = 2
) -> Iterator[SiblingProcess]:
    started = SiblingProcess(folder, WorkerSlot(master, number, expected))
    try:
        yield started
    finally:
        started.close()


def test_workers_of_a_master_know_which_are_ready(tmp_path: Path) -> None:
    mine = coordinator_at(tmp_path)
    assert mine.worker_counts() == WorkerCounts(0, 2)
    mine.mark_ready()
    with sibling(tmp_path) as other:
        other.call("mark_ready")
        assert mine.worker_counts() == WorkerCounts(2, 2)
        other.call("clear_ready")
        assert mine.worker_counts() == WorkerCounts(1, 2)


def test_workers_of_another_master_are_not_counted(tmp_path: Path) -> None:
    mine = coordinator_at(tmp_path)
    mine.mark_ready()
    with sibling(tmp_path, master="8") as stranger:
        stranger.call("mark_ready")
        assert mine.worker_counts() == WorkerCounts(1, 2)


def test_a_worker_that_was_killed_is_not_ready(tmp_path: Path) -> None:
    mine = coordinator_at(tmp_path)
    with sibling(tmp_path) as other:
        other.call("mark_ready")
        assert mine.worker_counts().ready == 1
        other.kill()
        assert mine.worker_counts().ready == 0


def test_a_reused_pid_is_not_the_worker_that_had_it(tmp_path: Path) -> None:
    mine = coordinator_at(tmp_path)
    mine.mark_ready()
    (file,) = tmp_path.glob("*/ready-*")
    file.rename(file.with_name(f"{file.name}1"))
    assert mine.worker_counts().ready == 0
    assert list(tmp_path.glob("*/ready-*")) == []


def test_the_newest_worker_knows_how_many_are_expected(tmp_path: Path) -> None:
    mine = coordinator_at(tmp_path, number=1, expected=2)
    mine.mark_ready()
    with sibling(tmp_path, number=9, expected=3) as newest:
        newest.call("mark_ready")
        assert mine.worker_counts() == WorkerCounts(2, 3)


def test_only_one_worker_of_a_host_holds_the_lock(tmp_path: Path) -> None:
    mine = coordinator_at(tmp_path)
    with sibling(tmp_path, master="8") as stranger:
        assert stranger.call("try_lock")
        assert not mine.try_lock()
        stranger.call("release_lock")
        assert mine.try_lock()


def test_the_lock_of_a_killed_worker_is_free(tmp_path: Path) -> None:
    mine = coordinator_at(tmp_path)
    with sibling(tmp_path) as other:
        assert other.call("try_lock")
        other.kill()
        assert mine.try_lock()


def test_a_child_of_the_worker_does_not_keep_its_lock(tmp_path: Path) -> None:
    mine = coordinator_at(tmp_path)
    assert mine.try_lock()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    mine.release_lock()
    with sibling(tmp_path) as other:
        assert other.call("try_lock")
    os.close(writing)
    os.waitpid(child, 0)
    os.close(reading)


def test_departures_are_known_to_all_for_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1_000.0
    monkeypatch.setattr(host_coordinator, "host_clock", lambda: moment)
    mine, stranger = coordinator_at(tmp_path), coordinator_at(tmp_path, master="8")
    assert mine.last_departure() is None
    mine.record_departure(60)
    moment = 1_010.0
    stranger.record_departure(90)
    ours, theirs = Departure(1_000, 1_060, "7"), Departure(1_010, 1_100, "8")
    assert mine.recent_departures() == [ours, theirs]
    assert (mine.last_departure(), stranger.last_departure()) == (ours, theirs)
    moment = 4_600.0
    assert mine.recent_departures() == [theirs]


def test_the_last_departure_of_a_master_is_known_while_it_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1_000.0
    monkeypatch.setattr(host_coordinator, "host_clock", lambda: moment)
    living, ended = (
        coordinator_at(tmp_path, master=str(os.getpid())),
        coordinator_at(tmp_path, master=ENDED_MASTER),
    )
    living.record_departure(60)
    living.record_departure(60)
    ended.record_departure(60)
    moment = 9_000.0
    coordinator_at(tmp_path, master="8").record_departure(60)
    assert living.last_departure() == Departure(1_000, 1_060, str(os.getpid()))
    assert ended.last_departure() is None
    assert len(living.recent_departures()) == 1


@pytest.mark.parametrize(
    ("ready", "seconds", "master", "awaited"),
    [
        (1, 59, LIVING_MASTER, True),
        (0, 59, LIVING_MASTER, True),
        (2, 59, LIVING_MASTER, False),
        (1, 60, LIVING_MASTER, False),
        (1, 59, ENDED_MASTER, False),
        (1, -1, LIVING_MASTER, False),
    ],
    ids=[
        "it boots",
        "it was the only one",
        "it is ready",
        "it does not boot",
        "its master ended",
        "it has not left",
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
    monkeypatch.setattr(host_coordinator, "host_clock", lambda: moment)
    mine = coordinator_at(tmp_path)
    for number in range(ready):
        coordinator_at(tmp_path, master=master, number=number).mark_ready()
    leaving = coordinator_at(tmp_path, master=master)
    leaving.record_departure(60)
    moment += seconds
    assert mine.is_other_master_replacing() is awaited
    assert not leaving.is_other_master_replacing()


def test_a_departure_from_the_future_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = coordinator_at(tmp_path)
    mine.record_departure(60)
    monkeypatch.setattr(host_coordinator, "host_clock", lambda: 0.0)
    assert mine.recent_departures() == []


@pytest.mark.parametrize("text", ["", "nonsense", "1 2\n", "1 2 a\n", "\0\n", "\ud800"])
def test_a_ledger_that_cannot_be_read_has_no_departures(text: str, tmp_path: Path) -> None:
    mine = coordinator_at(tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / "ledger").write_text(text, errors="surrogatepass")
    assert mine.recent_departures() == []
    mine.record_departure(60)
    assert len(mine.recent_departures()) == 1


def test_the_first_folder_that_can_be_written_to_is_used(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    (tmp_path / "file").write_text("")
    taken = tmp_path / "taken"
    taken.mkdir()
    assert (
        open_host_coordinator(
            WorkerSlot("7", 1, 2), [gone, tmp_path / "file", Path("/proc"), taken]
        )
        is not None
    )
    assert len(list(taken.iterdir())) == 1


def test_without_any_folder_to_write_to_there_is_no_coordinator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host_coordinator, "_ensure_private_folder", _refused)
    monkeypatch.setenv("TMPDIR", "/proc")
    assert open_host_coordinator(WorkerSlot("7", 1, 2)) is None


def _refused(folder: Path) -> Path:
    raise PermissionError(folder)


def test_where_no_folder_can_be_written_to_there_is_no_coordinator(tmp_path: Path) -> None:
    assert open_host_coordinator(WorkerSlot("7", 1, 2), [tmp_path / "gone", Path("/proc")]) is None


def test_a_folder_of_another_user_is_not_trusted(tmp_path: Path) -> None:
    coordinator_at(tmp_path)
    (folder,) = tmp_path.iterdir()
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert open_host_coordinator(WorkerSlot("7", 1, 2), [tmp_path]) is None
