"""What a worker leaves outside its process: children, and files in shared memory."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bugsly.probes import outside_worker
from bugsly.probes.outside_worker import ChildProcesses, count_shared_files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

STARTED_PROCESSES = 3
CHILDREN = ChildProcesses()
SLEEPS = "child processes named sleep"


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def start(running: ExitStack) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(["sleep", "60"])
    running.callback(child.wait)
    running.callback(child.kill)
    return child


def test_children_are_counted_by_name(running: ExitStack) -> None:
    children = [start(running) for _ in range(STARTED_PROCESSES)]
    assert CHILDREN.count_by_name()[SLEEPS].now == STARTED_PROCESSES
    holder = CHILDREN.count_by_name()[SLEEPS].describe(SLEEPS)
    assert (holder.kind, holder.entry, holder.details) == ("outside", "process", {})
    children[0].kill()
    os.waitid(os.P_PID, children[0].pid, os.WEXITED | os.WNOWAIT)
    details = CHILDREN.count_by_name()[SLEEPS].describe(SLEEPS).details
    assert details == {"ended_unread": 1}


def test_children_that_were_waited_for_are_not_counted(running: ExitStack) -> None:
    with running.pop_all():
        start(running)
    running.close()
    assert SLEEPS not in CHILDREN.count_by_name()


@pytest.mark.parametrize(
    ("stat", "name"),
    [(b"7 (ffmpeg) S 1 1", "ffmpeg"), (b"7 (a) b (c) Z 1", "a) b (c"), (b"7 (a\nb) R 1", "a\nb")],
)
def test_a_process_name_may_contain_anything(stat: bytes, name: str) -> None:
    found = outside_worker.STAT_LINE.match(stat)
    assert found is not None
    assert found["name"].decode() == name


def test_files_in_shared_memory_are_counted_by_name_without_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside_worker, "SHARED_MEMORY", str(tmp_path))
    for number in range(STARTED_PROCESSES):
        (tmp_path / f"cart-{number}-of-12").touch()
    (tmp_path / "lock").touch()
    counted = {name: one.now for name, one in count_shared_files().items()}
    assert counted == {
        f"files like {tmp_path}/cart-#-of-#": STARTED_PROCESSES,
        f"files like {tmp_path}/lock": 1,
    }


def test_without_shared_memory_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside_worker, "SHARED_MEMORY", "/nowhere")
    assert count_shared_files() == {}
