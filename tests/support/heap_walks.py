"""Walks small heaps: modules of a few lines, in this process or in one that has little else."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from bugsly.heap.heap_holders import HolderNode, format_path, nodes_of
from bugsly.heap.python_walker.walker import PythonWalker
from bugsly.heap.snapshot import HeapWalker, take_snapshot
from bugsly.heap.walk_result import decode_walk_result
from bugsly.heap.walker_choice import CWalker

ROOT = Path(__file__).parents[2]
WALKERS: dict[str, Callable[[], HeapWalker]] = {"c": CWalker, "python": PythonWalker}


WALK = """
import os, sys
from tests.support.heap_walks import WALKERS, sleep_patiently
from bugsly.heap.snapshot import take_snapshot
taken = take_snapshot(WALKERS[sys.argv[1]](), roots, sleep_patiently, include_unreachable=False)
sys.stdout.buffer.write(taken.encoded_results[-1])
sys.stdout.flush()
os._exit(0)
"""


def sleep_patiently(seconds: float) -> bool:
    """Sleep, and never give up."""
    time.sleep(seconds)
    return False


def walk_heap(
    walker: HeapWalker, roots: Iterable[tuple[str, object]], *, whole: bool = False
) -> list[HolderNode]:
    """Return the holders that *walker* finds from *roots*."""
    snapshot = take_snapshot(walker, list(roots), sleep_patiently, include_unreachable=whole)
    return list(nodes_of(snapshot.last_result).values())


def walk_new_process(walker: HeapWalker, code: str) -> tuple[list[HolderNode], str]:
    """Return the holders that *walker* finds from the `roots` of *code*, and what is on stderr.

    In a test's own process, whatever leads to the builtins leads to all that pytest has loaded,
    which takes the walker in Python ten seconds.
    """
    command = [sys.executable, "-c", code + WALK, walker.name]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True)
    error = done.stderr.decode()
    assert done.returncode == 0, error
    return list(nodes_of(decode_walk_result(done.stdout)).values()), error


def holders_by_name(places: Iterable[HolderNode]) -> dict[str, list[HolderNode]]:
    found: dict[str, list[HolderNode]] = {}
    for place in places:
        found.setdefault(format_path(place.path), []).append(place)
    return found
