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
from tests.support.heap_walks import WALKERS, sleep_patiently, walk_heap

from bugsly.heap import snapshot
from bugsly.heap.snapshot import BUSY, WORKER_EXITING, HeapWalker, SnapshotFailed, take_snapshot
from bugsly.heap.walker_choice import CWalker
from bugsly.probes.memory_limit import Headroom
from bugsly_server.cli.processes.child_process import descendants

ROOT = Path(__file__).parents[3]


class ScriptedWalker:
    """A walker whose child does something else."""

    name = "c"

    def __init__(self, program: str) -> None:
        self._program = program

    def start(self, descriptor: int, *_more: object) -> tuple[int, float]:
        command = [sys.executable, "-c", self._program]
        if self._program == "refuse":
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self._process = subprocess.Popen(command, stdout=descriptor)
        return self._process.pid, 0.0

    def reap(self, _pid: int) -> int | None:
        code = self._process.poll()
        return None if code is None else (code << 8 if code >= 0 else -code)

    def max_memory(self) -> int:
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
    with pytest.raises(SnapshotFailed) as failed:
        take_snapshot(ScriptedWalker(does), [], sleep_patiently)
    assert str(failed.value) == FAILURES[does]


def test_a_child_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "TIMEOUT_SECONDS", 0.2)
    child = ScriptedWalker("import time; time.sleep(60)")
    with pytest.raises(SnapshotFailed, match=r"the snapshot took longer than 0 s and was given up"):
        take_snapshot(child, [], sleep_patiently)
    assert child._process.poll() == -signal.SIGKILL


def test_a_worker_that_leaves_waits_for_no_child() -> None:
    child = ScriptedWalker("import time; time.sleep(60)")
    with pytest.raises(SnapshotFailed, match=WORKER_EXITING):
        take_snapshot(child, [], lambda _seconds: True)
    assert child._process.poll() == -signal.SIGKILL


def test_where_memory_is_short_no_child_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "read_headroom", lambda: Headroom(500_000_000, 512_000_000, 0))
    with pytest.raises(SnapshotFailed) as failed:
        take_snapshot(ScriptedWalker("refuse"), [], sleep_patiently)
    fact = "12 MB are free below the limit of memory, 33 MB are needed"
    assert str(failed.value) == f"the snapshot was refused: {fact}"


def test_the_walker_in_python_needs_more_room() -> None:
    assert WALKERS["python"]().max_memory() > WALKERS["c"]().max_memory() > 1_000_000


def test_a_second_snapshot_at_once_is_refused() -> None:
    asleep, problems = threading.Event(), []

    def wait(_seconds: float) -> bool:
        asleep.set()
        return ended.wait(0.01)

    def first() -> None:
        with pytest.raises(SnapshotFailed, match=WORKER_EXITING):
            take_snapshot(ScriptedWalker("import time; time.sleep(60)"), [], wait)

    ended = threading.Event()
    thread = threading.Thread(target=first)
    thread.start()
    assert asleep.wait(20)
    try:
        take_snapshot(ScriptedWalker("refuse"), [], sleep_patiently)
    except SnapshotFailed as failed:
        problems.append(str(failed))
    ended.set()
    thread.join(20)
    assert problems == [BUSY]


def test_no_child_is_left_and_nobody_is_told_of_it() -> None:
    told: list[int] = []
    children = set(descendants(os.getpid()))
    before = signal.signal(signal.SIGCHLD, lambda number, _frame: told.append(number))
    try:
        assert walk_heap(CWalker(), [("sys", sys)])
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert told == []
    assert set(descendants(os.getpid())) <= children


def test_no_descriptor_is_left(walker: HeapWalker) -> None:
    walk_heap(walker, [("it", [])])
    before = len(list(Path("/proc/self/fd").iterdir()))
    walk_heap(walker, [("it", [])])
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_many_threads_do_no_harm(walker: HeapWalker) -> None:
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for _ in range(300)]
    for thread in threads:
        thread.start()
    try:
        assert walk_heap(walker, [("threads", threads)])
    finally:
        done.set()
        for thread in threads:
            thread.join()


BROKEN = """
import ctypes, gc, json, os, signal, sys
from tests.support.heap_walks import patient
from bugsly.heap.snapshot import SnapshotFailed, take_snapshot
from bugsly.heap.walker_choice import CWalker
gc.disable()
class Broken: pass
one = Broken()
TRAVERSE = 184
abort = ctypes.cast(ctypes.CDLL(None).abort, ctypes.c_void_p).value
ctypes.c_void_p.from_address(id(Broken) + TRAVERSE).value = abort
problems = []
for _ in range(2):
    try:
        take_snapshot(CWalker(), [("it", [one])], patient, include_unreachable=False)
    except SnapshotFailed as failed:
        problems.append(str(failed))
print(json.dumps(problems), flush=True)
os._exit(0)
"""


def test_a_type_that_crashes_the_walk_does_not_crash_the_worker() -> None:
    command = [sys.executable, "-c", BROKEN]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    ended = "the snapshot failed: its process was ended by signal SIGABRT"
    assert json.loads(told.stdout) == [ended, ended]
