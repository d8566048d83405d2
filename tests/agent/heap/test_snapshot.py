"""Snapshots that fail: none harms the worker, and each failure is reported in one sentence."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.support.heap_walks import (
    WALKERS,
    holders_by_name,
    sleep_patiently,
    walk_heap,
    walk_new_process,
)

from bugsly.heap import snapshot
from bugsly.heap.snapshot import BUSY, WORKER_EXITING, HeapWalker, SnapshotFailed, take_snapshot
from bugsly.heap.walker_choice import CWalker
from bugsly.probes import process

ROOT = Path(__file__).parents[3]


class ScriptedWalker:
    """A walker whose child runs a *program* instead of a walk."""

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

    def max_memory(self, private_bytes: int, /) -> int:
        return private_bytes


FAILURES = {
    "refuse": "the snapshot was refused: the kernel starts no process"
    " (Resource temporarily unavailable)",
    "import os; os.kill(os.getpid(), 9)": "the snapshot failed: its process was killed by signal"
    " SIGKILL",
    "import os; os.abort()": "the snapshot failed: its process was killed by signal SIGABRT",
    "import os; os._exit(71)": "the snapshot failed: its process ran out of memory",
    "import os; os._exit(72)": "the snapshot failed: the heap has more objects than it can count",
    "import os; os._exit(75)": "the snapshot failed: an object lies at an address above 48 bits",
    "import os; os._exit(5)": "the snapshot failed: its process ended with status 5",
    "print('half of', flush=True)": "the snapshot failed: the output of its process is invalid"
    " (it ends after 8 bytes)",
}


@pytest.mark.parametrize("does", FAILURES)
def test_a_snapshot_that_fails_reports_why(does: str) -> None:
    with pytest.raises(SnapshotFailed) as failed:
        take_snapshot(ScriptedWalker(does), [], sleep_patiently)
    assert str(failed.value) == FAILURES[does]


def test_a_child_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "TIMEOUT_SECONDS", 0.2)
    child = ScriptedWalker("import time; time.sleep(60)")
    with pytest.raises(SnapshotFailed, match=r"the snapshot took longer than 0 s and was stopped"):
        take_snapshot(child, [], sleep_patiently)
    assert child._process.poll() == -signal.SIGKILL


def test_an_exiting_worker_waits_for_no_child() -> None:
    child = ScriptedWalker("import time; time.sleep(60)")
    with pytest.raises(SnapshotFailed, match=WORKER_EXITING):
        take_snapshot(child, [], lambda _seconds: True)
    assert child._process.poll() == -signal.SIGKILL


def test_the_walker_in_python_needs_more_room() -> None:
    private = process.read_memory().anonymous
    needed = {name: walker().max_memory(private) for name, walker in WALKERS.items()}
    assert needed["python"] > needed["c"] > 1_000_000


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


def child_pids() -> set[str]:
    lists = Path("/proc/self/task").glob("*/children")
    return {pid for pids in lists for pid in pids.read_text().split()}


def test_the_child_is_reaped_and_raises_no_signal() -> None:
    signals: list[int] = []
    children = child_pids()
    before = signal.signal(signal.SIGCHLD, lambda number, _frame: signals.append(number))
    try:
        assert walk_heap(CWalker(), [("sys", sys)])
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert signals == []
    assert child_pids() <= children


def test_no_descriptor_is_left(walker: HeapWalker) -> None:
    walk_heap(walker, [("it", [])])
    before = len(list(Path("/proc/self/fd").iterdir()))
    walk_heap(walker, [("it", [])])
    assert len(list(Path("/proc/self/fd").iterdir())) == before


MANY_THREADS = """
import threading
threads = [threading.Thread(target=threading.Event().wait) for _ in range(300)]
for thread in threads:
    thread.start()
roots = [("threads", threads)]
"""


def test_a_worker_with_300_threads_is_walked(walker: HeapWalker) -> None:
    found, error = walk_new_process(walker, MANY_THREADS)
    (threads,) = holders_by_name(found)["threads"]
    assert (threads.entries, error) == (300, "")


CRASHING = """
import ctypes, gc, json, os
from tests.support.heap_walks import sleep_patiently
from bugsly.heap.snapshot import SnapshotFailed, take_snapshot
from bugsly.heap.walker_choice import CWalker

TP_TRAVERSE = 71  # typeslots.h, the same in all versions
DEFAULT_FLAGS, HAVE_GC = 1 << 18, 1 << 14


class Slot(ctypes.Structure):
    _fields_ = [("slot", ctypes.c_int), ("function", ctypes.c_void_p)]


class Spec(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("basicsize", ctypes.c_int),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("slots", ctypes.POINTER(Slot)),
    ]


gc.disable()
abort = ctypes.cast(ctypes.CDLL(None).abort, ctypes.c_void_p)
slots = (Slot * 2)(Slot(TP_TRAVERSE, abort), Slot(0, None))
spec = Spec(b"shop.Broken", object.__basicsize__, 0, DEFAULT_FLAGS | HAVE_GC, slots)
make_type = ctypes.pythonapi.PyType_FromSpec
make_type.restype = ctypes.py_object
broken = make_type(ctypes.byref(spec))()
problems = []
for _ in range(2):
    try:
        take_snapshot(CWalker(), [("it", [broken])], sleep_patiently, include_unreachable=False)
    except SnapshotFailed as failed:
        problems.append(str(failed))
print(json.dumps(problems), flush=True)
os._exit(0)
"""


def test_a_type_that_crashes_the_walk_does_not_crash_the_worker() -> None:
    command = [sys.executable, "-c", CRASHING]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    problem = "the snapshot failed: its process was killed by signal SIGABRT"
    assert json.loads(done.stdout) == [problem, problem]
