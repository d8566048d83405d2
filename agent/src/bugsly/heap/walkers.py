"""Which walker this Python has: the one in C, or its twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bugsly.heap.snapshot import CWalker, Failed

if TYPE_CHECKING:
    from bugsly.heap.snapshot import Walker


def best_walker() -> Walker:
    """Return the walker in C where it was compiled, else the one in Python."""
    try:
        return CWalker()
    except ImportError:
        raise Failed("the walker is missing") from None
