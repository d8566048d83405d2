"""Chooses the heap walker of this interpreter: the one in C, else the one in Python."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bugsly.heap.snapshot import HeapWalker


class CWalker:
    """The walker in C; raises `ImportError` where it was not compiled."""

    name = "c"

    def __init__(self) -> None:
        from bugsly.heap import _walker

        self.start = _walker.start
        self.reap = _walker.reap

    def max_memory(self, _private_bytes: int, /) -> int:
        """Return 48 bytes for each allocated block: there are fewer objects than blocks."""
        return sys.getallocatedblocks() * 48


def best_walker() -> HeapWalker:
    """Return the walker in C where it was compiled, else the one in Python."""
    try:
        return CWalker()
    except ImportError:
        from bugsly.heap.python_walker.walker import PythonWalker

        return PythonWalker()
