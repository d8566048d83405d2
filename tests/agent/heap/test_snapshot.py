"""Snapshots on bad days: none harms the worker, and each failure has its sentence."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.support.heaps import WALKERS, patient, walked

from bugsly.heap import snapshot
from bugsly.heap.snapshot import BUSY, LEAVING, Failed, Walker, take
from bugsly.heap.walkers import CWalker
from bugsly.probes.limit import Headroom
from bugsly_server.cli.child import descendants

ROOT = Path(__file__).parents[3]


class Child:
    """A walker whose child does something else."""

    name = "c"

    def __init__(self, does: str) -> None:
        self._does = does

    def start(self, descriptor: int, *_more: object) -> tuple[int, float]:
        command = [sys.executable, "-c", self._does]
        if self._does == "refuse":
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self._process = subprocess.Popen(command, stdout=descriptor)
        return self._process.pid, 0.0

    def reap(self, _pid: int) -> int | None:
        code = self._process.poll()
        return None if code is None else (code << 8 if code >= 0 else -code)

    def needs(self) -> int:
        return 1_000_000


FAILURES = {
    "refuse": "the snapshot was refused: the kernel makes no process"
    " (Resource temporarily unavailable)",
    "import os; os.kill(os.getpid(), 9)": "the snapshot failed: its process was ended by signal"
    " SIGKILL",
    "import os; os.abort()": "the snapshot failed: its process was ended by signal SIGABRT",
    "import os; os._exit(71)": "the snapshot failed: its process found no more memory",
    "import os; os._exit(72)": "the snapshot failed: the heap has more objects than it can count",
    "import os; os._exit(75)": "the snapshot failed: an object lies at an address above 48 bits",
    "import os; os._exit(5)": "the snapshot failed: its process ended with status 5",
    "print('half of', flush=True)": "the snapshot failed: its process told nonsense,"
    " unpack_from requires a buffer of at least 64 bytes for unpacking 64 bytes at offset 0"
    " (actual buffer size is 8)",
}


@pytest.mark.parametrize("does", FAILURES)
def test_a_snapshot_that_fails_says_why(does: str) -> None:
    with pytest.raises(Failed) as failed:
        take(Child(does), [], patient)
    assert str(failed.value) == FAILURES[does]


def test_a_child_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "LONGEST", 0.2)
    child = Child("import time; time.sleep(60)")
    with pytest.raises(Failed, match=r"the snapshot took longer than 0 s and was given up"):
        take(child, [], patient)
    assert child._process.poll() == -signal.SIGKILL


def test_a_worker_that_leaves_waits_for_no_child() -> None:
    child = Child("import time; time.sleep(60)")
    with pytest.raises(Failed, match=LEAVING):
        take(child, [], lambda _seconds: True)
    assert child._process.poll() == -signal.SIGKILL


def test_where_memory_is_short_no_child_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "read_headroom", lambda: Headroom(500_000_000, 512_000_000, 0))
    with pytest.raises(Failed) as failed:
        take(Child("refuse"), [], patient)
    fact = "12 MB are free below the limit of memory, 33 MB are needed"
    assert str(failed.value) == f"the snapshot was refused: {fact}"


def test_the_walker_in_python_needs_more_room() -> None:
    assert WALKERS["python"]().needs() > WALKERS["c"]().needs() > 1_000_000


def test_a_second_snapshot_at_once_is_refused() -> None:
    asleep, problems = threading.Event(), []

    def wait(_seconds: float) -> bool:
        asleep.set()
        return ended.wait(0.01)

    def first() -> None:
        with pytest.raises(Failed, match=LEAVING):
            take(Child("import time; time.sleep(60)"), [], wait)

    ended = threading.Event()
    thread = threading.Thread(target=first)
    thread.start()
    assert asleep.wait(20)
    try:
        take(Child("refuse"), [], patient)
    except Failed as failed:
        problems.append(str(failed))
    ended.set()
    thread.join(20)
    assert problems == [BUSY]


def test_no_child_is_left_and_nobody_is_told_of_it() -> None:
    told: list[int] = []
    children = set(descendants(os.getpid()))
    before = signal.signal(signal.SIGCHLD, lambda number, _frame: told.append(number))
    try:
        assert walked(CWalker(), [("sys", sys)])
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert told == []
    assert set(descendants(os.getpid())) <= children


def test_no_descriptor_is_left(walker: Walker) -> None:
    walked(walker, [("it", [])])
    before = len(list(Path("/proc/self/fd").iterdir()))
    walked(walker, [("it", [])])
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_many_threads_do_no_harm(walker: Walker) -> None:
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for _ in range(300)]
    for thread in threads:
        thread.start()
    try:
        assert walked(walker, [("threads", threads)])
    finally:
        done.set()
        for thread in threads:
            thread.join()


BROKEN = """
import ctypes, gc, json, os, signal, sys
from tests.support.heaps import patient
from bugsly.heap.snapshot import Failed, take
from bugsly.heap.walkers import CWalker
gc.disable()
class Broken: pass
one = Broken()
TRAVERSE = 184
abort = ctypes.cast(ctypes.CDLL(None).abort, ctypes.c_void_p).value
ctypes.c_void_p.from_address(id(Broken) + TRAVERSE).value = abort
problems = []
for _ in range(2):
    try:
        take(CWalker(), [("it", [one])], patient, whole=False)
    except Failed as failed:
        problems.append(str(failed))
print(json.dumps(problems), flush=True)
os._exit(0)
"""


def test_a_type_that_crashes_the_walk_does_not_crash_the_worker() -> None:
    command = [sys.executable, "-c", BROKEN]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    ended = "the snapshot failed: its process was ended by signal SIGABRT"
    assert json.loads(told.stdout) == [ended, ended]
